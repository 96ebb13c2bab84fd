"""The look of the page: one style sheet, light and dark by the reader's setting, from phone to desktop."""

from __future__ import annotations

# Okabe and Ito's palette, which colour-blind readers tell apart; in the dark a lighter blue and purple.
CSS = """
:root{color-scheme:light dark;--bg:#fbfaf7;--card:#fff;--ink:#1d2329;--muted:#5d6872;--line:#e3e0d8;--soft:#f3f1ea;
--accent:#0b63a5;--c1:#0072b2;--c2:#d55e00;--c3:#009e73;--c4:#b0568f;--c5:#b07d00;--c6:#56a0d8;--c7:#6b6b6b;
--right:#0a6b4d;--right-bg:#dff3ea;--near:#7a5600;--near-bg:#fbefcf;--wrong:#6c6660;--wrong-bg:#efece5;
--bad:#a8261c;--bad-bg:#fbe3e0}
@media (prefers-color-scheme:dark){:root{--bg:#14181c;--card:#1c2228;--ink:#e6e9ec;--muted:#9aa6b1;--line:#303942;
--soft:#232b32;--accent:#6cb6f2;--c1:#5cb0ea;--c2:#f08a4b;--c3:#3fc79c;--c4:#e08fc4;--c5:#e5b63c;--c6:#9ad0f5;
--c7:#b0b0b0;--right:#7fe0bb;--right-bg:#143a2e;--near:#f2cf7c;--near-bg:#40341a;--wrong:#aaa59d;--wrong-bg:#2b3036;
--bad:#ff9d92;--bad-bg:#46211d}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans",sans-serif;overflow-wrap:anywhere}
main,header.top{max-width:1160px;margin:0 auto;padding:0 28px}
header.top{padding-top:44px;padding-bottom:4px}
.kicker{margin:0;color:var(--muted);font-size:.82rem;letter-spacing:.09em;text-transform:uppercase}
h1{margin:.15em 0 .25em;font-size:2.05rem;line-height:1.2;letter-spacing:-.015em}
h2{margin:0 0 .35em;font-size:1.32rem;letter-spacing:-.01em}
h3{margin:1.7em 0 .4em;font-size:1.02rem}
p{margin:.4em 0 .9em}
.lead,.note{color:var(--muted)}
.note{font-size:.86rem;max-width:100ch}
a{color:var(--accent)}
nav{display:flex;flex-wrap:wrap;gap:6px 18px;margin:18px 0 0;font-size:.9rem}
nav a{text-decoration:none}
section{margin:44px 0 0;padding-top:26px;border-top:1px solid var(--line)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:12px;margin:22px 0 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px}
.tile b{display:block;font-size:1.62rem;line-height:1.2;font-variant-numeric:tabular-nums;font-weight:650}
.tile span{color:var(--muted);font-size:.84rem;display:block}
.tile small{color:var(--muted);font-size:.74rem;font-variant-numeric:tabular-nums}
dl.facts{display:grid;grid-template-columns:minmax(120px,max-content) 1fr;gap:5px 22px;margin:0}
dl.facts dt{color:var(--muted)}
dl.facts dd{margin:0}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:12px;background:var(--card);margin:10px 0 6px;
-webkit-overflow-scrolling:touch}
table{border-collapse:collapse;width:100%;font-size:.89rem;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
tr:last-child td{border-bottom:0}
th{color:var(--muted);font-weight:600;font-size:.82rem;background:var(--soft);white-space:normal;vertical-align:bottom;
line-height:1.25;overflow-wrap:normal}
th.text,td.text{text-align:left}
td small{color:var(--muted);font-size:.8em;margin-left:.3em}
tr.best td{background:var(--right-bg);font-weight:600}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:18px;margin:14px 0}
.grid.small{grid-template-columns:repeat(auto-fit,minmax(min(100%,310px),1fr))}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 14px 12px;
min-width:0}
figcaption{font-weight:600;font-size:.94rem;margin-bottom:6px}
figure .note{margin:.5em 0 0;font-size:.8rem}
svg{display:block;width:100%;height:auto}
svg text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--muted)}
svg .ink{fill:var(--ink)}
svg .crowded{font-size:10.5px}
.axis{stroke:var(--muted);stroke-width:1}
.gridline{stroke:var(--line);stroke-width:1}
.mark{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3;opacity:.75}
.s{fill:none;stroke-width:2.1;stroke-linejoin:round;stroke-linecap:round}
.k1{stroke:var(--c1)}.k2{stroke:var(--c2)}.k3{stroke:var(--c3)}.k4{stroke:var(--c4)}.k5{stroke:var(--c5)}
.k6{stroke:var(--c6)}.k7{stroke:var(--c7)}
.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}.f5{fill:var(--c5)}.f6{fill:var(--c6)}
.f7{fill:var(--c7)}
.band{opacity:.16;stroke:none}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin:8px 0 0;padding:0;font-size:.83rem;
color:var(--muted)}
.legend .key{display:inline-block;width:28px;height:12px;margin-right:6px;vertical-align:-1px}
.checks{list-style:none;margin:10px 0 0;
padding:0;background:var(--card);border:1px solid var(--line);border-radius:12px}
.checks li{display:grid;grid-template-columns:90px 250px 1fr;gap:4px 16px;padding:10px 16px;font-size:.91rem;
border-top:1px solid var(--line)}
.checks li:first-child{border-top:0}
.checks b{font-weight:600}
tr.group td{text-align:left;font-weight:600;background:var(--soft);white-space:normal}
.remedy{color:var(--muted);font-style:italic}
.badge{display:inline-block;padding:1px 9px;border-radius:99px;font-size:.79rem;font-weight:600;white-space:nowrap}
.passed{background:var(--right-bg);color:var(--right)}.warning{background:var(--near-bg);color:var(--near)}
.failed{background:var(--bad-bg);color:var(--bad)}.skipped{background:var(--wrong-bg);color:var(--wrong)}
.posts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));gap:16px;margin:10px 0 0;
align-items:start}
.post{background:var(--card);border:1px solid var(--line);border-radius:14px;overflow:hidden;min-width:0}
.post .picture{display:flex;align-items:center;justify-content:center;height:190px;background:var(--soft);
color:var(--muted);font-size:.85rem}
.post .picture.none{height:46px}
.post img{width:100%;height:100%;object-fit:cover;display:block}
.post .body{padding:12px 15px 14px}
.post .head{display:flex;justify-content:space-between;gap:10px;color:var(--muted);font-size:.79rem;margin-bottom:5px}
.post .caption{margin:0 0 9px;font-size:.93rem}
.post .caption.none{color:var(--muted);font-style:italic}
.label{margin:9px 0 3px;font-size:.75rem;letter-spacing:.05em;text-transform:uppercase;color:var(--muted)}
.tags{display:flex;flex-wrap:wrap;gap:5px;margin:0;padding:0;list-style:none;font-size:.84rem}
.tags li{padding:1px 9px;border-radius:99px;border:1px solid transparent;max-width:100%}
.tags .right{background:var(--right-bg);color:var(--right)}
.tags .near{background:var(--near-bg);color:var(--near)}
.tags .wrong{background:var(--wrong-bg);color:var(--wrong)}
.tags .missed{border:1px dashed var(--muted);color:var(--muted)}
.gate{display:flex;height:9px;border-radius:99px;overflow:hidden;background:var(--c6)}
.gate i{display:block;background:var(--c2)}
.gatewords{display:flex;justify-content:space-between;font-size:.78rem;color:var(--muted);margin-top:2px}
.history{margin:0;padding:0;list-style:none;font-size:.83rem}
.history li{padding:5px 0;border-top:1px solid var(--line)}
.history li:first-child{border-top:0}
.history .when{color:var(--muted)}
.history b{color:var(--right);font-weight:600}
footer{max-width:1160px;margin:54px auto 0;padding:18px 28px 54px;color:var(--muted);font-size:.84rem;
border-top:1px solid var(--line)}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--soft);padding:1px 5px;
border-radius:5px}
@media (max-width:640px){main,header.top,footer{padding-left:16px;padding-right:16px}header.top{padding-top:26px}
h1{font-size:1.6rem}section{margin-top:32px;padding-top:20px}.tiles{grid-template-columns:1fr 1fr}
.checks li{grid-template-columns:1fr}
dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{margin:0 0 .6em}th,td{padding:6px 9px}
figure{padding:11px 9px 10px}}
@media print{body{background:#fff}section{break-inside:auto}figure,.post{break-inside:avoid}nav{display:none}}
"""
