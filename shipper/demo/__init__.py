"""The demo: the whole job on bundled log samples in a folder of its own, every promise checked."""
