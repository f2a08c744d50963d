import { randomBytes } from "node:crypto";
import { generateApp } from "../app-identity.ts";
import type { Site } from "../site.ts";
import { slugOf, type AppManifest } from "../state/app-manifest.ts";

/** A code has to be used within the hour. */
const codeLifeMs = 3_600_000;

/** Keeps a manifest that a person has agreed to; answers the code for its credentials. */
export function agreeToManifest(site: Site, manifest: AppManifest): string {
  const code = randomBytes(20).toString("hex");
  site.world.manifests.set(code, { manifest, createdAt: site.world.clock.now() });
  return code;
}

/**
 * Makes the App of a code, once, in the place of the one there was; answers its client secret, or undefined for a code
 * that is unknown, used or too old. The new App is installed nowhere yet.
 */
export async function registerApp(
  site: Site,
  code: string,
): Promise<{ readonly manifest: AppManifest; readonly clientSecret: string } | undefined> {
  const { world, webhooks } = site;
  const pending = world.manifests.get(code);
  world.manifests.delete(code);
  if (pending === undefined) return undefined;
  if (world.clock.now().getTime() - pending.createdAt.getTime() > codeLifeMs) return undefined;
  const { manifest } = pending;
  const { name, default_permissions: asked, hook_attributes: hook } = manifest;
  const permissions = { metadata: "read" as const, ...asked };
  world.replaceApp(await generateApp({ id: world.ids.next(), slug: slugOf(name), name, permissions }));
  webhooks.url = hook?.active === true ? hook.url : undefined;
  return { manifest, clientSecret: randomBytes(20).toString("hex") };
}
