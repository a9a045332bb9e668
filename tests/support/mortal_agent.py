"""An agent that lives for a while and is killed, wherever it may be by then; the next one has to go on from there."""

from __future__ import annotations

import signal
import subprocess

from support.running import Running


class MortalAgent(Running):
    """As `Running`; its life may also end before it has started to watch."""

    def die(self, seconds: float) -> None:
        """Kill the agent after so many seconds; ending before by itself is a failure."""
        assert self.process is not None
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            code = self.process.wait()
        assert code == -signal.SIGKILL, self.log_text()[-3000:]
