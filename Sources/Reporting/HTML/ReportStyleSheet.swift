/// How the report looks: light and dark, on a phone and on paper. Everything is drawn by these rules alone.
let reportStyle: StaticString = """
  :root { color-scheme: light dark;
    --ground: #f5f6f8; --card: #ffffff; --ink: #18202c; --muted: #545f70; --line: #dce1e8; --mark: #2a5bd0;
    --good: #12683a; --good-ground: #e5f4ea; --warn: #7d4b00; --warn-ground: #fdf1d8;
    --bad: #a91e17; --bad-ground: #fdeae8; --plain: #4b5564; --plain-ground: #eceff3; }
  @media (prefers-color-scheme: dark) { :root {
    --ground: #0e131a; --card: #161d27; --ink: #e7ecf3; --muted: #9ba8ba; --line: #2b3645; --mark: #7ba6ff;
    --good: #7fd9a2; --good-ground: #10301f; --warn: #f0c269; --warn-ground: #33270d;
    --bad: #ffa49b; --bad-ground: #3b1917; --plain: #b3bfcd; --plain-ground: #222c39; } }
  *, ::before, ::after { box-sizing: border-box; }
  html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
  @media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
  body { margin: 0 auto; max-width: 75rem; padding: 1.5rem 1rem 3rem; background: var(--ground); color: var(--ink);
    font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
    font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
  header { margin: 0 0 1.25rem; }
  h1, h2, h3, p { margin: 0; }
  h1 { font-size: clamp(1.6rem, 5vw, 2.1rem); line-height: 1.2; letter-spacing: -0.02em; }
  h2 { font-size: 1.2rem; line-height: 1.3; margin-bottom: 0.5rem; letter-spacing: -0.01em; }
  h3 { font-size: 1rem; margin: 1.25rem 0 0.5rem; }
  .brand { color: var(--mark); font-weight: 600; font-size: 0.875rem; letter-spacing: 0.02em; }
  .muted { color: var(--muted); }
  small { display: block; font-size: 0.8125rem; font-weight: 400; line-height: 1.4; }
  code { font: 0.9em ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
  section { background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; padding: 1.25rem;
    margin: 1rem 0; }
  section[id] { scroll-margin-top: 3.5rem; }
  .verdict { border-width: 1px 1px 1px 0.375rem; padding: 1.125rem 1.25rem; }
  .verdict.good { background: var(--good-ground); border-color: var(--good); }
  .verdict.warn { background: var(--warn-ground); border-color: var(--warn); }
  .verdict.bad { background: var(--bad-ground); border-color: var(--bad); }
  .verdict.plain { background: var(--plain-ground); border-color: var(--plain); }
  .verdict .muted { color: var(--ink); opacity: 0.85; font-size: 0.875rem; }
  .headline { display: flex; align-items: center; gap: 0.625rem; font-size: 1.375rem; line-height: 1.3; }
  .sign { display: inline-flex; flex: none; align-items: center; justify-content: center; width: 1.25em; height: 1.25em;
    border-radius: 50%; color: var(--card); background: currentColor; font-weight: 700; line-height: 1;
    -webkit-text-fill-color: var(--card); }
  .good > .sign, .good .headline .sign { color: var(--good); }
  .warn > .sign, .warn .headline .sign { color: var(--warn); }
  .bad > .sign, .bad .headline .sign { color: var(--bad); border-radius: 0.25em; }
  .plain > .sign, .plain .headline .sign { color: var(--plain); }
  .matters { list-style: none; margin: 0.75rem 0 0; padding: 0; }
  .matters li { padding: 0.625rem 0; border-top: 1px solid color-mix(in srgb, currentColor 22%, transparent); }
  .matters li:last-child { padding-bottom: 0; }
  .matters + p { margin-top: 0.75rem; }
  .what { font-weight: 600; }
  .hint::before { content: "→ "; }
  .figures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 0.75rem; margin: 1rem 0; }
  .figures > div { background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem;
    padding: 0.75rem 1rem; }
  dt { color: var(--muted); font-size: 0.875rem; }
  dd { margin: 0; }
  dd .value { display: block; font-size: 1.375rem; font-weight: 650; line-height: 1.3; letter-spacing: -0.01em; }
  dd .muted { font-size: 0.8125rem; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical;
    overflow: hidden; }
  nav { position: sticky; top: 0; z-index: 1; display: flex; gap: 0.25rem; overflow-x: auto; background: var(--ground);
    margin: 0 -1rem; padding: 0.5rem 1rem; scrollbar-width: none; }
  nav a { flex: none; padding: 0.3125rem 0.75rem; border-radius: 1rem; color: var(--ink); text-decoration: none;
    font-size: 0.875rem; border: 1px solid var(--line); background: var(--card); }
  nav a:hover { border-color: var(--mark); }
  :focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
  .scroll { overflow-x: auto; margin: 0.75rem -1.25rem 0; padding: 0 1.25rem;
    background: linear-gradient(to right, var(--card) 1.5rem, transparent) left / 3rem 100% no-repeat local,
      linear-gradient(to left, var(--card) 1.5rem, transparent) right / 3rem 100% no-repeat local,
      linear-gradient(to right, var(--line), transparent) left / 0.75rem 100% no-repeat scroll,
      linear-gradient(to left, var(--line), transparent) right / 0.75rem 100% no-repeat scroll; }
  section > .scroll:last-child { margin-bottom: -0.25rem; }
  table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; }
  .scroll table { min-width: max-content; }
  caption { text-align: left; font-weight: 600; padding: 0.25rem 0; }
  th, td { text-align: left; vertical-align: top; padding: 0.5rem 1rem 0.5rem 0; border-top: 1px solid var(--line);
    max-width: 24rem; }
  th:last-child, td:last-child { padding-right: 0; }
  thead th { border-top: 0; color: var(--muted); font-weight: 500; font-size: 0.8125rem; white-space: nowrap; }
  tbody th { font-weight: 600; min-width: 7rem; }
  #tokens .scroll { padding-left: 0; }
  #tokens td { max-width: 15rem; }
  #tokens td.id { max-width: none; }
  #tokens tbody th { position: sticky; left: 0; max-width: 12rem; background: var(--card); }
  #tokens th:first-child { padding-left: 1.25rem; }
  .wide { min-width: 14rem; }
  .when { white-space: nowrap; }
  .number { text-align: right; white-space: nowrap; }
  .id { font: 0.8125rem/1.6 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: nowrap; }
  .badge { display: inline-flex; align-items: baseline; gap: 0.375rem; border-radius: 1rem;
    padding: 0.0625rem 0.625rem 0.0625rem 0.25rem; font-size: 0.8125rem; font-weight: 550; }
  .badge .sign { align-self: center; font-size: 0.6875rem; }
  .badge.good { color: var(--good); background: var(--good-ground); }
  .badge.warn { color: var(--warn); background: var(--warn-ground); }
  .badge.bad { color: var(--bad); background: var(--bad-ground); }
  .badge.plain { color: var(--plain); background: var(--plain-ground); }
  .bars { margin-top: 0.75rem; }
  .bars th { font-weight: 400; width: 8rem; white-space: nowrap; padding: 0.25rem 0.75rem 0.25rem 0; border: 0;
    min-width: 0; }
  .bars td { border: 0; padding: 0.25rem 0; max-width: none; }
  .bars .bar { padding-top: 0.4375rem; }
  .bars .number { width: 4.5rem; padding-left: 0.75rem; }
  .bars svg { display: block; }
  .chart { display: block; margin-top: 0.75rem; overflow: visible; }
  .mark { fill: var(--mark); }
  .striking { fill: var(--bad-ground); stroke: var(--bad); stroke-width: 2; stroke-dasharray: 4 2; }
  .axis { stroke: var(--muted); }
  .grid { stroke: var(--line); }
  .range { stroke: var(--mark); stroke-width: 2; stroke-linecap: round; opacity: 0.45; }
  .chart text { font-size: 0.75rem; fill: var(--muted); }
  .chart .value { fill: var(--ink); font-weight: 600; }
  .middle { text-anchor: middle; }
  .scale { dominant-baseline: middle; }
  .legend { font-size: 0.8125rem; margin-top: 0.375rem; }
  .nothing { color: var(--muted); padding: 0.75rem 0; }
  details { margin-top: 0.5rem; }
  summary { cursor: pointer; padding: 0.5rem 0; font-weight: 550; }
  .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  footer { color: var(--muted); font-size: 0.875rem; max-width: 60rem; margin-top: 1.5rem; }
  @media (max-width: 30rem) {
    body { padding: 1rem 0.75rem 2rem; }
    section { padding: 1rem; } .scroll { margin-inline: -1rem; padding-inline: 1rem; }
    #tokens th:first-child { padding-left: 1rem; max-width: 9rem; }
    nav { margin-inline: -0.75rem; padding-inline: 0.75rem; }
    .figures { gap: 0.5rem; } .figures > div { padding: 0.625rem 0.75rem; }
    dd .value { font-size: 1.1875rem; } }
  @media (max-width: 52rem) { .figures { grid-template-columns: 1fr 1fr; } }
  @media (min-width: 60rem) {
    .pair { display: grid; grid-template-columns: 1fr 1fr; align-items: start; gap: 1rem; margin: 1rem 0; }
    .pair > section { margin: 0; } }
  @media print {
    :root { --ground: #ffffff; }
    body { max-width: none; padding: 0; font-size: 0.8125rem; } nav { display: none; }
    section { break-inside: avoid; border-radius: 0; } #tokens, #failures, #runs { break-inside: auto; }
    tr { break-inside: avoid; } thead { display: table-header-group; }
    .scroll { overflow: visible; } .scroll table { min-width: 0; } .id { white-space: normal; }
    details::details-content { content-visibility: visible; block-size: auto; } }

  """
