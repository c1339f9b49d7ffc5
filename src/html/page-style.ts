/**
 * One look for every page: light and dark on a screen, black on white on A4. Numbers have digits of one width, so
 * that columns of them can be read downwards.
 */
export const pageStyle = `
:root{color-scheme:light dark;--ink:#1a2230;--soft:#5a6675;--line:#dde2e8;--panel:#f5f7fa;--paper:#fff;--first:#23496f;--second:#8fb8de;
--above:#c4661f;--below:#3d7ea6;--good:#1c6b43;--good-panel:#e6f4ec;--open:#8a4b08;--open-panel:#fdf0dc;--shade:#0003}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#9aa7b6;--line:#323b47;--panel:#1c232d;--paper:#12171e;--first:#6fa8dc;
--second:#345573;--above:#e39255;--below:#5fa5d0;--good:#7fd0a3;--good-panel:#173226;--open:#f0b96b;--open-panel:#3a2a12;--shade:#000c}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:66rem;padding:2rem 1.25rem 4rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem;letter-spacing:-.01em}
h2{font-size:1.2rem;margin:2.6rem 0 .6rem;padding-top:.9rem;border-top:2px solid var(--ink)}
h3{font-size:1rem;margin:1.8rem 0 .2rem}
p{margin:.3rem 0 .8rem;max-width:46rem}
.note{color:var(--soft);font-size:.9rem}
.lead{font-size:1.08rem}
a{color:inherit;text-decoration-color:var(--soft);text-underline-offset:.15em}
code{font:.86em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.state{display:inline-block;padding:.15rem .7rem;border-radius:1rem;font-weight:600;font-size:.9rem;background:var(--open-panel);color:var(--open)}
.state.good{background:var(--good-panel);color:var(--good)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.75rem;margin:1.2rem 0}
.tiles div{background:var(--panel);border-radius:.5rem;padding:.7rem .9rem}
.tiles dt{color:var(--soft);font-size:.85rem}
.tiles dd{margin:0;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tiles dd small{display:block;font-size:.8rem;font-weight:400;color:var(--soft)}
.company{font-weight:600;margin-bottom:.6rem;overflow-wrap:anywhere}
.headline{font-size:1.08rem;margin:.9rem 0;padding:.8rem 1rem;max-width:none;border-left:.25rem solid var(--first);background:var(--panel)}
/* Shadows at the edges say that there is more to be scrolled to; covers that move along take them away at the ends. */
.scroll{overflow-x:auto;margin:.4rem 0 1rem;background:linear-gradient(90deg,var(--paper) 30%,transparent) 0 0/2.5rem 100% no-repeat local,
linear-gradient(270deg,var(--paper) 30%,transparent) 100% 0/2.5rem 100% no-repeat local,
linear-gradient(90deg,var(--shade),transparent) 0 0/.9rem 100% no-repeat scroll,linear-gradient(270deg,var(--shade),transparent) 100% 0/.9rem 100% no-repeat scroll}
data{cursor:help}
.headline span{display:block;font-size:.95rem;margin-top:.4rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums lining-nums}
th,td{padding:.34rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;font-weight:400}
thead th.text,thead th.name,thead th.wide,thead th.code{overflow-wrap:normal}
thead th{color:var(--soft);font-size:.82rem;font-weight:600;border-bottom:1px solid var(--ink);vertical-align:bottom}
th:first-child,td:first-child{padding-left:0}
th:last-child,td:last-child{padding-right:0}
.number{text-align:right;white-space:nowrap}
tbody .code{font:.8em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere;min-width:11rem}
.text{overflow-wrap:anywhere;min-width:7rem}
.wide{overflow-wrap:anywhere;min-width:11rem}
.name{overflow-wrap:anywhere;min-width:13rem}
td.bar{min-width:7rem;width:26%}
table.dense td.bar{min-width:4rem;width:10%}
th small,td small{display:block;color:var(--soft);font-size:.86em;line-height:1.4}
@media screen and (max-width:40rem){
table.stacked{display:grid;grid-template-columns:repeat(var(--columns),minmax(min-content,1fr))}
table.stacked :is(thead,tbody,tr){display:grid;grid-column:1/-1;grid-template-columns:subgrid}
table.stacked tbody th{grid-column:1/-1;width:0;min-width:100%;padding:.5rem 0 0;border-bottom:0}
thead th.number{white-space:normal}table.stacked tr.total td{border-top:0}
table.stacked thead th:first-child,table.stacked .bar{display:none}
table.stacked tbody td{padding-top:.1rem}
table.stacked :is(th,td):nth-child(2){text-align:left;padding-left:0}
table.stacked caption{position:absolute}
table.dense :is(th,td):first-child{position:sticky;left:0;background:var(--paper)}}
tr.total>*{font-weight:600;border-top:1px solid var(--ink)}
table.dense{font-size:.86rem}
table.dense th,table.dense td{padding:.26rem .5rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.open{color:var(--open);font-weight:600}
.good{color:var(--good)}
svg{display:block;font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
svg.bar{margin:.25rem 0}
rect.above{fill:var(--above)}rect.below{fill:var(--below)}rect.first{fill:var(--first)}rect.second{fill:var(--second)}
rect.place{fill:transparent}
g:hover rect.place{fill:var(--panel)}
svg line{stroke:var(--line)}svg.bar line,svg line.zero{stroke:var(--soft)}
svg text{fill:var(--soft);text-anchor:middle;font-variant-numeric:tabular-nums}
figure.chart{margin:1rem 0 1.5rem}
figcaption{font-weight:600;margin-bottom:.4rem}
.legend{float:right;font-weight:400;color:var(--soft)}
.legend span{margin-left:1.1rem}
.legend i{display:inline-block;width:.8rem;height:.8rem;border-radius:2px;margin-right:.35rem;vertical-align:-.08rem}
i.first{background:var(--first)}i.second{background:var(--second)}i.above{background:var(--above)}i.below{background:var(--below)}
.plot{display:flex;gap:.6rem;clear:both}
.plot svg{flex:1;min-width:0;overflow:visible}
.scale{position:relative;min-width:3rem;color:var(--soft);font-size:12px;text-align:right;font-variant-numeric:tabular-nums}
.scale span{display:block;line-height:12px;height:0;margin-top:0;position:absolute;right:0;transform:translateY(-6px);white-space:nowrap}
footer{margin-top:3rem;padding-top:.8rem;border-top:1px solid var(--line);color:var(--soft);font-size:.88rem}
@media(max-width:40rem){body{padding:1.2rem .9rem 3rem;font-size:14px}table{font-size:13px}th,td{padding:.3rem .35rem}.wide{min-width:9rem}.name{min-width:8rem}td.bar{min-width:4rem}h1{font-size:1.4rem}.tiles{grid-template-columns:1fr 1fr}.tiles dd{font-size:1.1rem}
.legend{float:none;display:block}.legend span{margin:0 1.1rem 0 0}}
@page{size:A4;margin:14mm 12mm 16mm;@bottom-right{content:counter(page) " / " counter(pages);font:8pt system-ui,Arial,sans-serif;color:#666}}
@media print{html{font-size:12.5px}body{max-width:none;padding:0;font-size:9.2pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
h2{break-after:avoid;margin-top:1.6rem}h3{break-after:avoid}h2+p,h3+p{break-after:avoid}
.scroll{overflow:visible}thead{display:table-header-group;break-after:avoid}tbody tr:nth-child(-n+3){break-before:avoid}tr,p,figure,.tiles div{break-inside:avoid}
table.dense{font-size:7.4pt}table.dense th,table.dense td{padding:.16rem .28rem}table.dense .wide,table.dense .code{min-width:0}table.dense .text{min-width:5.2rem}.tiles{grid-template-columns:repeat(5,1fr)}.tiles dd{font-size:1rem}.headline{font-size:1em}.headline span{font-size:.95em}}
`.trim();
