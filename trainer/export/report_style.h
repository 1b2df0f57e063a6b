// The report page's style sheet.
#pragma once

namespace limbeck::trainer {

inline constexpr char kReportStyle[] = R"css(
:root { color-scheme: light dark; --ink:#1b1f24; --soft:#5b6570; --page:#fff; --card:#f5f7f9;
  --rule:#d9dee4; --s0:#0b62c4; --s1:#c2570c; --s2:#3a7d34; --good:#1f7a3d; --bad:#b3261e;
  --open:#8a6100; }
@media (prefers-color-scheme: dark) { :root { --ink:#e6e9ed; --soft:#9aa5b1; --page:#14171b;
  --card:#1d2127; --rule:#343b44; --s0:#6cb0ff; --s1:#ff9d5c; --s2:#7fd07a; --good:#6fd08c;
  --bad:#ff8a80; --open:#f0c04d; } }
* { box-sizing:border-box }
body { margin:0; background:var(--page); color:var(--ink); font:15px/1.5 system-ui,sans-serif; }
main { max-width:1020px; margin:0 auto; padding:28px 20px 60px; }
h1 { font-size:22px; margin:0 0 2px } h2 { font-size:17px; margin:34px 0 10px }
.job { color:var(--soft); margin:0 0 18px }
.verdict { border-left:6px solid var(--open); background:var(--card); padding:14px 18px;
  border-radius:4px } .verdict.accept { border-color:var(--good) }
.verdict.reject { border-color:var(--bad) } .verdict b { font-size:19px }
.verdict p { margin:4px 0 0 }
table { border-collapse:collapse } th,td { padding:5px 12px 5px 0; text-align:left;
  border-bottom:1px solid var(--rule); font-variant-numeric:tabular-nums }
th { font-weight:600; color:var(--soft) } td.n { white-space:nowrap }
small { color:var(--soft) }
.grid2 { display:grid; grid-template-columns:repeat(auto-fit,minmax(380px,1fr)); gap:18px }
figure { margin:0; background:var(--card); border-radius:6px; padding:12px 14px; overflow-x:auto }
figcaption { font-weight:600; margin-bottom:6px }
svg { width:100%; height:auto; display:block } .grid { stroke:var(--rule) }
.tick { fill:var(--soft); font-size:11px } .diagonal { stroke:var(--soft); stroke-dasharray:4 4 }
.line { fill:none; stroke-width:2 } .line.s0 { stroke:var(--s0) } .line.s1 { stroke:var(--s1) }
.line.s2 { stroke:var(--s2) } .dot { fill:var(--s0); fill-opacity:.65 }
.legend { margin:6px 0 0; color:var(--soft); font-size:13px } .key { display:inline-block;
  width:14px; height:3px; margin:0 6px 3px 8px } .key.s0 { background:var(--s0) }
.key.s1 { background:var(--s1) } .key.s2 { background:var(--s2) }
.confusion td { text-align:right; padding:5px 10px; border:1px solid var(--rule) }
.confusion th { padding:5px 10px }
.confusion .right { background:color-mix(in srgb,var(--good) calc(var(--share)*55%),transparent) }
.confusion .wrong { background:color-mix(in srgb,var(--bad) calc(var(--share)*90%),transparent) }
ul { padding-left:20px } footer { margin-top:40px; color:var(--soft); font-size:13px }
)css";

}  // namespace limbeck::trainer
