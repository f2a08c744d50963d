import { registerApp } from "../actions/app-registration.ts";
import { notFound } from "../http/refusal.ts";
import { appShape } from "../shapes/installation-shape.ts";
import { param, route, type Route } from "./route.ts";

/** The end of the manifest flow: the code that the browser came back with buys the App's credentials, once. */
export const appManifestRoutes: readonly Route[] = [
  route("POST /app-manifests/{code}/conversions", "anyone", async (request) => {
    const { site } = request;
    const registered = await registerApp(site, param(request, "code"));
    if (registered === undefined) throw notFound();
    const { app } = site.world;
    return {
      status: 201,
      body: {
        ...appShape(site),
        external_url: registered.manifest.url,
        events: registered.manifest.default_events,
        client_secret: registered.clientSecret,
        webhook_secret: app.webhookSecret,
        pem: app.privateKey,
      },
    };
  }),
];
