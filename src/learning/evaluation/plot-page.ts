/** Style and behaviour of the page; nothing comes from another address. */

export const plotStyle = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1b2733; --quiet: #66778a; --rule: #dfe5eb; --panel: #f7f9fb; --curve: #3d5166;
  --truth: #e69f00; --false: #d1203f; --learnt: #8fa3b7; --fp32: #0067b0; --int8: #008a63; --int4: #7a4fc0; --int2: #96620c; }
@media (prefers-color-scheme: dark) { :root { --paper: #12171c; --ink: #e6ecf2; --quiet: #8c9cad; --rule: #2a343e; --panel: #181f26; --curve: #a9bccf;
  --truth: #f0b429; --false: #ff5c74; --learnt: #6b7f93; --fp32: #58b0f2; --int8: #35c797; --int4: #b497f0; --int2: #d8a552; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 24px 28px 40px; background: var(--paper); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { margin: 0; font-size: 20px; font-weight: 650; overflow-wrap: anywhere; }
.about { margin: 2px 0 14px; color: var(--quiet); }
.metrics { border-collapse: collapse; margin: 0 0 14px; font-size: 13px; }
.metrics th, .metrics td { padding: 3px 14px 3px 0; text-align: right; white-space: nowrap; }
.metrics th { color: var(--quiet); font-weight: 500; border-bottom: 1px solid var(--rule); }
.metrics td:first-child { text-align: left; font-weight: 600; }
.scroll { overflow-x: auto; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 10px; color: var(--quiet); font-size: 13px; }
.legend span::before { content: ''; display: inline-block; width: 16px; height: 10px; margin-right: 7px; background: var(--key); border-radius: 2px; opacity: var(--key-opacity, 1); }
.legend .line::before { height: 2px; vertical-align: 4px; }
.legend .dash::before { height: 0; border-top: 2px dashed var(--key); background: none; vertical-align: 3px; border-radius: 0; }
.plot { position: relative; --left: 172px; --right: 96px; }
.row { display: grid; grid-template-columns: var(--left) minmax(0, 1fr) var(--right); align-items: center; }
.row svg { display: block; width: 100%; background: var(--panel); overflow: hidden; }
.row + .row svg { border-top: 1px solid var(--rule); }
.name { padding-right: 12px; text-align: right; font-size: 12.5px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.range { align-self: stretch; display: flex; flex-direction: column; justify-content: space-between; padding: 4px 0 4px 10px; color: var(--quiet); font-size: 11px; line-height: 1.25; white-space: nowrap; }
.plot.hot .range > * { display: none; }
.plot.hot .range::after { content: attr(data-now); margin: auto 0; color: var(--ink); font-size: 12.5px; font-weight: 600; white-space: pre; line-height: 1.3; }
.part { margin-top: 12px; }
.ticks { position: relative; height: 18px; }
.ticks i { position: absolute; transform: translate(-50%, -50%); right: auto; font-style: normal; font-size: 11px; color: var(--quiet); white-space: nowrap; }
.scale { position: relative; align-self: stretch; }
.scale b { position: absolute; right: 12px; transform: translateY(-50%); font-weight: 400; font-size: 11px; color: var(--quiet); }
.scale strong { position: absolute; left: 0; top: 50%; transform: translateY(-50%); font-weight: 400; font-size: 12.5px; }
.axis { position: sticky; bottom: 0; padding: 4px 0 2px; background: var(--paper); border-top: 1px solid var(--rule); }
.axis .times { position: relative; height: 34px; }
.axis .times i { position: absolute; transform: translateX(-50%); padding-top: 5px; font-style: normal; font-size: 11.5px; line-height: 1.2; text-align: center; color: var(--quiet); white-space: pre; }
.axis .times i::before { content: ''; position: absolute; top: -4px; left: 50%; height: 6px; border-left: 1px solid var(--quiet); }
.hair { position: absolute; top: 0; bottom: 0; width: 0; border-left: 1px solid color-mix(in srgb, var(--ink) 55%, transparent); pointer-events: none; display: none; }
.when { position: sticky; top: 6px; margin-left: 6px; display: inline-block; padding: 2px 8px; border-radius: 4px; background: var(--ink); color: var(--paper); font-size: 12px; white-space: nowrap; transform: translateX(var(--shift, 0)); }
path, line { fill: none; vector-effect: non-scaling-stroke; stroke-linecap: round; stroke-linejoin: round; }
.curve { stroke: var(--curve); stroke-width: 1.1; }
.grid { stroke: var(--rule); stroke-width: 1; }
.limit { stroke: var(--false); stroke-width: 1.4; stroke-dasharray: 5 4; stroke-linecap: butt; }
.truth { fill: var(--truth); opacity: 0.2; }
.truth.solid { opacity: 1; }
.learnt { fill: var(--learnt); opacity: 0.16; }
.score { stroke-width: 1.3; }
.score.under { stroke-width: 3; opacity: 0.45; }
.false { fill: var(--false); }
@media (max-width: 700px) { body { padding: 14px; } .plot { --left: 104px; --right: 62px; } .scale strong { display: none; } }
@media print { body { padding: 0; } .axis { position: static; } }
`;

/** The values under the pointer take the place of the ranges at the right. Expects `plot-data`: from, to, row, and an array of columns by panel. */
export const plotScript = `
const data = JSON.parse(document.getElementById('plot-data').textContent);
const plot = document.querySelector('.plot');
const hair = plot.querySelector('.hair');
const when = plot.querySelector('.when');
const ranges = [...plot.querySelectorAll('[data-panel]')];
const first = plot.querySelector('svg');
const write = (value) => value === null ? '\\u2013' : String(value);
const time = (ms) => data.row ? 'row ' + Math.round(ms / data.row) : new Date(ms).toISOString().replace('T', ' ').slice(0, 19);
plot.addEventListener('pointermove', (event) => {
  const box = first.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  const inside = share >= 0 && share < 1;
  plot.classList.toggle('hot', inside);
  hair.style.display = inside ? 'block' : 'none';
  if (!inside) return;
  hair.style.left = event.clientX - plot.getBoundingClientRect().left + 'px';
  when.textContent = time(data.from + share * (data.to - data.from));
  when.style.setProperty('--shift', share > 0.75 ? 'calc(-100% - 12px)' : '0');
  for (const range of ranges) {
    const lines = data.panels[range.dataset.panel];
    range.dataset.now = lines.map((line) => write(line[Math.floor(share * line.length)])).join('\\n');
  }
});
plot.addEventListener('pointerleave', () => { plot.classList.remove('hot'); hair.style.display = 'none'; });
`;
