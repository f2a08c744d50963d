import { html, Html } from "./html.ts";

const style = `
:root{color-scheme:light dark;--line:light-dark(#d1d9e0,#3d444d);--soft:light-dark(#f6f8fa,#151b23);--text:light-dark(#1f2328,#f0f6fc);
--faint:light-dark(#59636e,#9198a1);--link:light-dark(#0969da,#4493f8);--add:light-dark(#dafbe1,#12361f);--del:light-dark(#ffebe9,#42191c)}
*{box-sizing:border-box}body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--text);background:light-dark(#fff,#0d1117)}
header{padding:.8rem 1.2rem;background:var(--soft);border-bottom:1px solid var(--line)}main{max-width:64rem;margin:0 auto;padding:1rem 1.2rem 4rem}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}h1{font-size:1.5rem;margin:.6rem 0}h2{font-size:1.1rem;margin:1.6rem 0 .5rem}
.faint{color:var(--faint)}.list{border:1px solid var(--line);border-radius:6px;list-style:none;margin:0;padding:0}
.list li{padding:.55rem .9rem;border-top:1px solid var(--line);overflow-wrap:anywhere}.list li:first-child{border-top:0}
.badge{display:inline-block;border:1px solid var(--line);border-radius:2em;padding:0 .6em;font-size:.8rem;margin-right:.3em}
.state{color:#fff;border:0;padding:.15em .8em}.open{background:#1f883d}.merged{background:#8250df}.closed{background:#cf222e}.draft{background:#59636e}
pre,code{font:13px/1.45 ui-monospace,monospace}.body{border:1px solid var(--line);border-radius:6px;padding:.9rem;white-space:pre-wrap;overflow-wrap:anywhere}
.file{border:1px solid var(--line);border-radius:6px;margin:0 0 1rem;overflow:hidden}.file>b{display:block;padding:.5rem .9rem;background:var(--soft);overflow-wrap:anywhere}
.file pre{margin:0;overflow-x:auto;border-top:1px solid var(--line)}.file span{display:block;padding:0 .9rem;min-width:max-content}
.add{background:var(--add)}.del{background:var(--del)}.hunk{color:var(--faint);background:var(--soft)}
form{display:inline}button{font:inherit;font-weight:600;padding:.35rem 1rem;border-radius:6px;border:1px solid var(--line);background:var(--soft);color:inherit;cursor:pointer;margin-right:.5rem}
button.go{background:#1f883d;color:#fff;border-color:transparent}.error{border:1px solid #cf222e;border-radius:6px;padding:.6rem .9rem}
`;

/** A whole page. */
export function layout(title: string, content: Html): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <title>${title}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <header>
          <a href="/"><b>Local GitHub</b></a>
        </header>
        <main>${content}</main>
      </body>
    </html>`;
  return page.text;
}
