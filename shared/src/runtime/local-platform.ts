import { setTimeout as wait } from "node:timers/promises";
import { createBrokerBus } from "#shared/adapters/local-broker/broker-bus.ts";
import { createLocalBroker, type LocalBrokerOptions } from "#shared/adapters/local-broker/local-broker.ts";
import { readManifests } from "#shared/adapters/local-broker/read-manifests.ts";
import { systemTimers } from "#shared/adapters/local-broker/timers.ts";
import { openDatabase } from "#shared/adapters/postgres/database.ts";
import { migrate } from "#shared/adapters/postgres/migrate.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Capabilities } from "./capabilities.ts";
import { readSettings } from "./config.ts";
import type { OctobatchFunction } from "./define-function.ts";
import { createDispatcher } from "./dispatcher.ts";
import { createEndpoint, type Endpoint } from "./function-endpoint.ts";
import { startHttpServer } from "./http-server.ts";
import type { Logger } from "./logger.ts";
import { createInProcess } from "./in-process.ts";
import { openForAll } from "./open-for-all.ts";
import { isOnKubernetes } from "./sandbox-settings.ts";
import { alwaysReleased, executionsAhead, releaseLimits, releaseSettings } from "./task-release.ts";

export interface LocalPlatformOptions {
  readonly functions: readonly OctobatchFunction[];
  /** The settings, DATABASE_URL among them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where Broker, Triggers, PingSources and Services are read from. */
  readonly manifestsDirectory: string;
  /** Of the API and the webhooks, on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** No other process works on this database: whatever an earlier one had begun is lost, and taken up at once. */
  readonly alone: boolean;
  /** Capabilities to use instead of those that the settings make. */
  readonly overrides?: Partial<Capabilities>;
  /** For tests of what "at least once, in any order" does. */
  readonly disturb?: LocalBrokerOptions["disturb"];
}

/** All functions in this process, with a broker between them. */
export interface LocalPlatform {
  /** Of the API. */
  readonly url: string;
  readonly webhookUrl: string;
  /** Resolves when nothing is under way; what waits for its time or runs in the sandbox still does. */
  idle(): Promise<void>;
  /** Resolves when nothing moves any more: what is left waits for a later time, or for a paused campaign. */
  settled(): Promise<void>;
  /** Releases what has become due without waiting for the tick. */
  kick(): void;
  /** Lets what is under way finish, then ends everything. */
  close(): Promise<void>;
}

const host = "127.0.0.1";
const graceMs = 10_000;
const settlingPollMs = 20;

/**
 * Runs all functions on one machine: each gets its events as HTTP requests from a broker that reads the same manifests as
 * the cluster, so that a function cannot tell the difference. The requests take no way through a connection, since broker
 * and functions are in one process.
 *
 * @throws InvalidConfiguration, DatabaseUnavailable, PortUnavailable: each names the remedy.
 */
export async function startLocalPlatform(options: LocalPlatformOptions): Promise<LocalPlatform> {
  const { functions, environment, clock, log } = options;
  const settings = readSettings(environment, ["DATABASE_URL", ...releaseSettings]);
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const database = openDatabase({ url: settings.DATABASE_URL, poolSize: 20 });
    closers.push(() => database.close());
    await migrate(database);
    const { tasks } = createStores(database.knex, alwaysReleased);
    if (options.alone) await tasks.releaseAllLeases(clock.now());

    // The broker asks where a function is only when it has an event for it.
    let internalPort = 0;
    let endpoints: ReadonlyMap<string, Endpoint> = new Map();
    const inProcess = createInProcess(
      (request) => routeInternally(endpoints)(request),
      () => `http://${host}:${internalPort}`,
    );
    const broker = createLocalBroker({
      manifests: await readManifests(options.manifestsDirectory),
      resolve: (name) => new URL(`http://${host}:${internalPort}/${name}`),
      timers: systemTimers,
      random: Math.random,
      log,
      fetch: inProcess.fetch,
      ...(options.disturb === undefined ? {} : { disturb: options.disturb }),
    });
    closers.push(() => broker.close(graceMs));

    const dispatcher = createDispatcher({
      tasks,
      bus: createBrokerBus(broker),
      clock,
      limits: releaseLimits(settings, isOnKubernetes(environment) ? 0 : executionsAhead(settings)),
      source: "/octobatch/local",
      log,
    });
    closers.push(() => dispatcher.idle());

    // Both listen before there is anything behind them, since what is behind them has to know the addresses.
    const outside = await startHttpServer((request) => routePublicly(endpoints)(request), options.port, host);
    closers.push(() => outside.close(graceMs));
    const url = `http://${host}:${outside.port}`;
    const internal = await startHttpServer((request) => routeInternally(endpoints)(request), 0, host);
    internalPort = internal.port;
    closers.push(async () => {
      await Promise.all([internal.close(graceMs), inProcess.close(graceMs)]);
    });

    const own = {
      OCTOBATCH_PUBLIC_URL: environment["OCTOBATCH_PUBLIC_URL"] ?? url,
      OCTOBATCH_TOKENS_URL: environment["OCTOBATCH_TOKENS_URL"] ?? `http://${host}:${internalPort}`,
    };
    const foundation = { environment: { ...environment, ...own }, database, clock, log, dispatcher };
    const opened = await openForAll(foundation, functions, options.overrides);
    // Before the last one, so that it is closed after it: once nobody asks any more.
    closers.splice(-1, 0, () => opened.close());
    if (options.alone) {
      await opened.pacing.loseAllTurns(clock.now()).catch((error: unknown) => {
        // They end with their lease, some seconds later.
        log.warn({ err: error }, "the turns at GitHub of an earlier process could not be given back");
      });
    }

    const { grantTo, checks } = opened;
    endpoints = new Map(
      functions.map((definition) => [
        definition.name,
        createEndpoint({
          definition,
          capabilities: grantTo(definition),
          tasks,
          clock,
          log,
          checks,
          afterwards: () => dispatcher.kick(),
        }),
      ]),
    );

    broker.startPinging();
    dispatcher.kick();
    return {
      url,
      webhookUrl: `${url}/webhooks/github`,
      async idle() {
        await dispatcher.idle();
        await broker.idle();
        await dispatcher.idle();
      },
      async settled() {
        dispatcher.kick();
        while (await tasks.isMoving(clock.now())) await wait(settlingPollMs);
        await dispatcher.idle();
        await broker.idle();
      },
      kick: () => dispatcher.kick(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** `/<function>`: only the broker and other functions call these. */
function routeInternally(endpoints: ReadonlyMap<string, Endpoint>): Endpoint {
  return async (request) => {
    const name = new URL(request.url).pathname.split("/")[1] ?? "";
    return (await endpoints.get(name)?.(request)) ?? new Response(null, { status: endpoints.size === 0 ? 503 : 404 });
  };
}

/** What people and GitHub call. */
function routePublicly(endpoints: ReadonlyMap<string, Endpoint>): Endpoint {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const name = pathname.startsWith("/webhooks/") ? "receive-webhook" : "api";
    return (await endpoints.get(name)?.(request)) ?? new Response("starting\n", { status: 503 });
  };
}
