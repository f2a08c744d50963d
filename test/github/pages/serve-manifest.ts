import type { IncomingMessage, ServerResponse } from "node:http";
import { agreeToManifest } from "../actions/app-registration.ts";
import { readBody } from "../http/incoming.ts";
import type { Site } from "../site.ts";
import { appManifest, type AppManifest } from "../state/app-manifest.ts";
import { html } from "./html.ts";
import { layout } from "./layout.ts";

/** Where a form posts an App's manifest, for a person or for an organization. */
export const manifestPath = /^\/(?:organizations\/(?<organization>[^/]+)\/)?settings\/apps\/new\/?$/;

/**
 * Takes a manifest and sends the browser back with a code. GitHub first shows a page where a person chooses the name
 * and agrees; here whoever posts has agreed. Answers the status that went out.
 */
export async function serveManifest(
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<number> {
  const organization = manifestPath.exec(url.pathname)?.groups?.["organization"];
  if (organization !== undefined && site.world.organization(organization) === undefined)
    return refuse(response, 404, `There is no organization ${organization}.`);
  if (request.method !== "POST")
    return refuse(response, 405, "Post a form here, with the manifest as JSON in a field named manifest.");
  const form = new URLSearchParams((await readBody(request)).toString("utf8"));
  const manifest = readManifest(form.get("manifest"));
  if (typeof manifest === "string") return refuse(response, 422, manifest);
  const location = new URL(manifest.redirect_url);
  location.searchParams.set("code", agreeToManifest(site, manifest));
  const state = url.searchParams.get("state");
  if (state !== null) location.searchParams.set("state", state);
  response.writeHead(302, { location: location.href }).end();
  return 302;
}

/** The manifest, or what is wrong with it. */
function readManifest(text: string | null): AppManifest | string {
  if (text === null) return "The form has no field named manifest.";
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return "The manifest is not JSON.";
  }
  const parsed = appManifest.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  return `The manifest is invalid at ${issue?.path.join(".") ?? "its root"}: ${issue?.message ?? "it does not fit"}.`;
}

function refuse(response: ServerResponse, status: number, message: string): number {
  response.writeHead(status, { "content-type": "text/html; charset=utf-8" });
  response.end(layout("Register an App", html`<p class="error">${message}</p>`));
  return status;
}
