/** One style sheet for light and dark; the `d2h-` classes are those of diff2html. */
export const STYLE = `
:root{color-scheme:light dark;--back:#fff;--fore:#1f2328;--soft:#59636e;--line:#d1d9e0;--panel:#f6f8fa;--link:#0550ae;
--ins:#dafbe1;--ins-word:#aceebb;--del:#ffebe9;--del-word:#ffcecb;--before:#9a6700;--after:#1a7f37;--bad:#b35900;--focus:#0969da}
@media(prefers-color-scheme:dark){:root{--back:#0d1117;--fore:#e6edf3;--soft:#9da7b1;--line:#3d444d;--panel:#151b23;--link:#79c0ff;
--ins:#12261e;--ins-word:#1f5f33;--del:#25171c;--del-word:#792e2e;--before:#d29922;--after:#3fb950;--bad:#e3a03d;--focus:#58a6ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem;background:var(--back);color:var(--fore);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:1.2rem 0 .4rem}
a{color:var(--link)}code,pre,.d2h-code-line,.path{font-family:ui-monospace,monospace;font-size:.86em}
code{overflow-wrap:anywhere}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}details.file>summary:focus-visible{outline-offset:-3px}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
.soft{color:var(--soft)}header p{margin:.3rem 0}
.numbers{display:flex;flex-wrap:wrap;gap:.6rem;padding:0;list-style:none}
.numbers li{border:1px solid var(--line);border-radius:.5rem;padding:.4rem .9rem;background:var(--panel)}
.numbers b{display:block;font-size:1.4rem}
.filter{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;gap:.6rem;align-items:end;padding:.6rem 0;background:var(--back);border-bottom:1px solid var(--line)}
.filter label{display:flex;flex-direction:column;font-size:.85rem;flex:1 1 11rem}
.filter input,.filter select{font:inherit;padding:.35rem .5rem;color:inherit;background:var(--panel);border:1px solid var(--soft);border-radius:.35rem;width:100%;height:2.2rem}
.filter output{font-size:.85rem;padding:.4rem 0}
details.file{border:1px solid var(--line);border-radius:.5rem;margin:.7rem 0}
details.file>summary{padding:.6rem .8rem;cursor:pointer;display:flex;flex-wrap:wrap;gap:.3rem .8rem;align-items:baseline;background:var(--panel);border-radius:.5rem}
details.file>summary::before{content:"▸"}details.file[open]>summary::before{content:"▾"}
summary .path{font-weight:600;overflow-wrap:anywhere}
.body{padding:0 .8rem .8rem}
.dockerfile{border-top:1px solid var(--line);padding-top:.8rem;display:flex;flex-wrap:wrap;gap:.3rem .8rem;align-items:baseline}
details.file{content-visibility:auto;contain-intrinsic-size:auto 3rem;scroll-margin-top:5rem}
.status{border:1px solid currentColor;border-radius:1rem;padding:0 .6rem;font-size:.8rem}
.changed{color:var(--after)}.refused,.failed{color:var(--bad)}.unchanged{color:var(--soft)}
details.reasons>summary{cursor:pointer}details.reasons h2{display:inline-block}
ul.said{padding-left:1.2rem}ul.said li{margin:.3rem 0}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.4rem}
table{border-collapse:collapse;width:100%}
.layers th,.layers td,.codes th,.codes td{padding:.3rem .6rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
.layers th,.codes th{font-size:.85rem;white-space:nowrap}
.layers td.n,.layers th.n,.codes td.n,.codes th.n{text-align:right;font-variant-numeric:tabular-nums}
.codes td:last-child{min-width:10rem}.codes button{padding:.1rem 0;border:0;background:none;color:var(--link);font:.86em ui-monospace,monospace;text-decoration:underline;cursor:pointer;text-align:left}
.layers td:nth-child(2){min-width:14rem}.layers td:nth-child(3){min-width:9rem}.layers tr.new{background:var(--ins)}
.chart{margin:.8rem 0}.chart svg{width:100%;height:auto;max-height:16rem}.chart text{fill:var(--soft);font-size:11px}
.chart line{stroke:var(--line)}.chart .before rect{fill:var(--before)}.chart .after rect{fill:var(--after)}
figcaption{font-size:.85rem;color:var(--soft)}
.key{white-space:nowrap;margin-left:.5rem}.key::before{content:"";display:inline-block;width:.8em;height:.8em;margin-right:.3em;background:var(--before)}
.key.after::before{background:var(--after)}
.d2h-file-header{padding:.3rem .6rem;border-bottom:1px solid var(--line);font-size:.85rem}
.d2h-file-header svg,.d2h-file-collapse,.d2h-tag,.d2h-moved-tag,.d2h-icon-wrapper{display:none}
.d2h-files-diff{display:flex}.d2h-file-side-diff{flex:1 1 50%;min-width:0;overflow-x:auto}
.d2h-file-side-diff+.d2h-file-side-diff{border-left:1px solid var(--line)}
.d2h-code-line,.d2h-code-side-line{white-space:nowrap;padding:0 .5rem}
.d2h-code-line-ctn{background:none;white-space:pre}
.d2h-diff-table td{padding:0;line-height:1.45}
.d2h-diff-tbody{font-family:ui-monospace,monospace;font-size:.82rem}
.d2h-code-linenumber,.d2h-code-side-linenumber{width:1%;min-width:2.6rem;text-align:right;color:var(--soft);user-select:none;white-space:nowrap;padding:0 .4rem!important}
.line-num1,.line-num2{display:inline-block;min-width:2rem}
.d2h-ins{background:var(--ins)}.d2h-del{background:var(--del)}.d2h-info,.d2h-emptyplaceholder,.d2h-code-side-emptyplaceholder{background:var(--panel);color:var(--soft)}
.d2h-ins ins{background:var(--ins-word);text-decoration:none}.d2h-del del{background:var(--del-word);text-decoration:none}
.d2h-ins .d2h-code-linenumber,.d2h-ins .d2h-code-side-linenumber,.d2h-ins.d2h-code-linenumber,.d2h-del .d2h-code-linenumber{color:var(--fore)}
td.d2h-ins,td.d2h-del{color:var(--fore)}
.narrow{display:none}
@media(max-width:48rem){.filter{position:static}details.file{scroll-margin-top:0}.wide{display:none}.narrow{display:block}.chart text{font-size:22px}.codes td:nth-child(3),.codes th:nth-child(3){display:none}body{padding:.6rem}}
@media(min-width:64rem){.codes td:first-child{white-space:nowrap}details.repository>summary{display:grid;grid-template-columns:1rem minmax(0,1fr) 6rem 11rem 18rem 11rem}details.repository>summary .status{justify-self:start}}
@media print{.filter{display:none}}
[hidden]{display:none!important}
`.trim();
