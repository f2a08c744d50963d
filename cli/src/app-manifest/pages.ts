import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import type { AppManifest } from "./manifest.ts";

/** HTML; every value in it is escaped. */
export type Page = Awaited<ReturnType<typeof html>>;

const submit = "document.forms[0].submit();";

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color: #1f2328 }
h1 { font-size: 1.4rem } table { border-collapse: collapse; margin: 1rem 0 }
th, td { text-align: left; padding: .3rem 1.5rem .3rem 0; border-bottom: 1px solid #d1d9e0 }
th { font-weight: 600 } code { font-size: .9em; overflow-wrap: anywhere }
button, .next { display: inline-block; font: inherit; padding: .5rem 1rem; border: 0; border-radius: 6px; color: #fff;
  background: #1f6f3a; cursor: pointer; text-decoration: none }
`;

// Whole elements: the digests below are of all that stands between the tags, spaces too.
const scriptElement = raw(`<script>${submit}</script>`);
const styleElement = raw(`<style>${style}</style>`);

/**
 * What a browser may do with these pages: run this script, use this style, and nothing else. Where forms go is left
 * open, since browsers hold redirects to it too, and GitHub may send people elsewhere to log in.
 * https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy/form-action
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src '${digest(submit)}'`,
  `style-src '${digest(style)}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Posts the manifest to GitHub by itself; the button is for browsers that run no scripts. */
export async function startPage(manifest: AppManifest, action: string): Promise<Page> {
  const { name, hook_attributes: hook, default_permissions: permissions, default_events: events } = manifest;
  return layout(
    "On to GitHub",
    await html`<p>GitHub will show a page on which you can change the App's name and make it.</p>
      <form action="${action}" method="post">
        <input type="hidden" name="manifest" value="${JSON.stringify(manifest)}" />
        <button>Go on at ${new URL(action).host}</button>
      </form>
      <table>
        <tr>
          <th>Name</th>
          <td>${name}</td>
        </tr>
        <tr>
          <th>Webhooks</th>
          <td>${hook === undefined ? "none" : html`<code>${hook.url}</code> (${events.join(", ")})`}</td>
        </tr>
        ${Object.entries(permissions).map(
          ([permission, level]) =>
            html`<tr>
              <th>${permission}</th>
              <td>${level}</td>
            </tr>`,
        )}
      </table>
      ${scriptElement}`,
  );
}

/** The App exists and its credentials are where they belong. */
export async function donePage(name: string, installUrl: string): Promise<Page> {
  return layout(
    `${name} is made`,
    await html`<p>Its key and secrets are in the file that the terminal names.</p>
      <p><a class="next" href="${installUrl}" rel="noreferrer">Install it</a></p>`,
  );
}

/** Something went wrong, and what to do about it. */
export async function failedPage(message: string, remedy: string): Promise<Page> {
  return layout(
    "That did not work",
    await html`<p>${message}</p>
      <p>${remedy}</p>`,
  );
}

async function layout(title: string, content: Page): Promise<Page> {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title} · Octobatch</title>
        ${styleElement}
      </head>
      <body>
        <h1>${title}</h1>
        ${content}
      </body>
    </html>`;
}

function digest(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
