"""How the page looks: on light and dark screens, and on paper."""

STYLE = """
:root{color-scheme:light dark;--page:#fff;--card:#f6f8fa;--ink:#18202a;--soft:#556070;--rule:#d8dee6;--grid:#e6eaef;
--a:#1b5fc1;--b:#b4540a;--c:#0d7a5f;--d:#c02b26;--good:#0d6b3f;--good-bg:#e3f5ea;--odd:#8a5300;--odd-bg:#fdf1dc}
@media (prefers-color-scheme:dark){:root{--page:#10151c;--card:#18202a;--ink:#e6ebf2;--soft:#a3afbf;--rule:#323d4b;
--grid:#27313d;--a:#74aaff;--b:#f2a65a;--c:#5fd0ab;--d:#ff8079;--good:#6fdc9f;--good-bg:#12301f;--odd:#f0bd6a;
--odd-bg:#33270f}}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;background:var(--page);
color:var(--ink);margin:0 auto;padding:2.5rem 1.25rem 4rem;max-width:58rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em}
h2{font-size:1.35rem;margin:2.75rem 0 .75rem;padding-top:1.5rem;border-top:1px solid var(--rule)}
h3{font-size:1.05rem;margin:2rem 0 .25rem}
p{margin:.35rem 0 .75rem;max-width:42rem}.soft,figcaption{color:var(--soft)}
p.verdict{max-width:none}
.verdict{border-radius:.5rem;padding:.85rem 1.1rem;background:var(--good-bg);color:var(--good);font-weight:600;
border-left:.35rem solid currentColor}.verdict.odd{background:var(--odd-bg);color:var(--odd)}
.verdict span{display:block;font-weight:400;color:var(--ink)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.75rem;margin:1rem 0}
dl.facts div{background:var(--card);border:1px solid var(--rule);border-radius:.5rem;padding:.65rem .85rem}
dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.3rem;font-weight:600;font-variant-numeric:tabular-nums}
dd small{display:block;font-size:.85rem;font-weight:400;color:var(--soft)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding-bottom:.3rem}
th,td{text-align:left;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--grid);vertical-align:top}
thead th{color:var(--soft);font-weight:500;border-bottom:1px solid var(--rule)}tbody th{font-weight:600}
td:nth-child(2){min-width:7rem}
td.number{white-space:nowrap}td.bad{color:var(--d);font-weight:600}
figure{margin:1.25rem 0 1.75rem}figcaption{font-size:.9rem;margin-bottom:.35rem}
figcaption b{color:var(--ink);font-size:1rem;margin-right:.5rem}
.keys{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.85rem;color:var(--soft);margin:.2rem 0 .3rem;padding:0;
list-style:none}.keys i{display:inline-block;width:1.1rem;height:.22rem;border-radius:.1rem;margin-right:.4rem;
vertical-align:.25em;background:currentColor}.keys .a i{color:var(--a)}.keys .b i{color:var(--b)}
.keys .c i{color:var(--c)}.keys .d i{color:var(--d)}
svg{display:block;width:100%;height:auto;overflow:visible;font:12px system-ui,"Segoe UI",Roboto,Arial,sans-serif}
svg .grid{stroke:var(--grid)}svg .axis{stroke:var(--soft);fill:none}svg .tick{fill:var(--soft)}
svg .mark{fill:var(--ink);paint-order:stroke;stroke:var(--page);stroke-width:3px}
svg .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke:var(--line)}svg .area{fill:var(--line);opacity:.13}
svg .dashed{stroke-dasharray:4 4;stroke-width:1.5}
svg .band{fill:var(--soft);opacity:.1}svg .level{stroke:var(--d);stroke-width:1.5;stroke-dasharray:7 4}
svg .dot{fill:var(--line);stroke:var(--page);stroke-width:1.5}
svg .dot.hollow{fill:var(--page);stroke:var(--line);stroke-width:2}
svg .a{--line:var(--a)}svg .b{--line:var(--b)}svg .c{--line:var(--c)}svg .d{--line:var(--d)}
details{margin-top:.4rem;font-size:.9rem}summary{cursor:pointer;color:var(--soft)}
summary:focus-visible{outline:2px solid var(--a);outline-offset:2px}
code{background:var(--card);border:1px solid var(--rule);border-radius:.25rem;padding:0 .3rem;font-size:.9em}
@media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;--rule:#bbb;--grid:#ddd;
--a:#1b5fc1;--b:#b4540a;--c:#0d7a5f;--d:#c02b26;--good:#0d6b3f;--good-bg:#fff;--odd:#8a5300;--odd-bg:#fff}
body{max-width:none;padding:0;font-size:11pt}figure,tr,dl.facts div,.verdict{break-inside:avoid}h2{break-before:page}
h2:first-of-type{break-before:auto}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
details:not([open]){display:none}h3{break-after:avoid}figure{margin:.75rem 0 1rem}svg{max-height:5.2cm}}
""".replace("\n", "")
