"""How a report's page looks: light and dark by the reader's choice, one column down to the width of a phone."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#1d2530;--soft:#5b6675;--line:#dfe3e8;--track:#eceff2;
--shipped:#3d7ea6;--missing:#c8372d;--lost:#d9822b;--dead:#7a4fb3;--other:#8a6d3b;--good:#23774b;--bad:#b3261e;
--unsure:#8a5a00;--code:#f2f4f6}
@media (prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1a2029;--ink:#e6eaef;--soft:#9aa6b4;--line:#2d3642;
--track:#242c37;--shipped:#6aaed6;--missing:#ff7a6e;--lost:#f2a65a;--dead:#b794f4;--other:#c9a86a;--good:#5fd08f;
--bad:#ff8a80;--unsure:#f0c36d;--code:#11161d}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;
-webkit-text-size-adjust:100%}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:clamp(1.5rem,5.5vw,2.4rem);line-height:1.15;margin:.2rem 0 .6rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem}
h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
p{margin:.3rem 0}
.kicker,.note,.axis,figcaption,td.place{color:var(--soft);font-size:.875rem}
.kicker,.note,li,td,th,dd{overflow-wrap:anywhere}
header{border-left:.5rem solid var(--tone);background:var(--card);padding:1.2rem 1.2rem 1.3rem;border-radius:.4rem}
header h1{color:var(--tone)}
.closed{--tone:var(--good)}.findings{--tone:var(--bad)}.incomplete{--tone:var(--unsure)}
dl.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.6rem 1rem;margin:1rem 0 0}
dl.numbers div{border-top:1px solid var(--line);padding-top:.35rem}
dl.numbers dt{color:var(--soft);font-size:.8rem}
dl.numbers dd{margin:0;font-size:1.25rem;font-variant-numeric:tabular-nums}
figure,article{margin:0 0 1rem;background:var(--card);border:1px solid var(--line);border-radius:.4rem;
padding:.9rem 1rem}
svg{display:block;width:100%;margin:.5rem 0 .2rem}
svg.hour{height:28px;max-width:36rem}
.track{fill:var(--track)}
.shipped{fill:var(--shipped)}.missing{fill:var(--missing)}.lost{fill:var(--lost)}.dead{fill:var(--dead)}
.other{fill:var(--other)}.hour rect.hour{fill:var(--missing)}
.axis{display:flex;justify-content:space-between;gap:.5rem;font-variant-numeric:tabular-nums}
.hours{max-width:36rem}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.2rem 0 .8rem;font-size:.875rem}
.legend svg{display:inline-block;width:.8rem;height:.8rem;margin:0 .4rem 0 0;vertical-align:-.05rem}
pre{background:var(--code);border:1px solid var(--line);border-radius:.3rem;padding:.6rem .8rem;margin:.5rem 0;
overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere;font:.8rem/1.5 ui-monospace,"DejaVu Sans Mono",monospace}
.count{font-variant-numeric:tabular-nums;white-space:nowrap;font-weight:600}
ul.places{margin:.4rem 0;padding-left:1.1rem;font-size:.875rem}
table{border-collapse:collapse;width:100%;font-size:.9rem;table-layout:fixed}
th{text-align:left;font-weight:600;color:var(--soft)}
th,td{padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
footer{margin-top:3rem;color:var(--soft);font-size:.875rem}
@media print{body{background:#fff}figure,article,header{break-inside:avoid}}
"""
