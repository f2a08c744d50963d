// The arrows between the layers: edges → runtime → adapters → domain → ports. `npm run check:arrows` holds the code to them.

const tests = "/print-[a-z-]+\\.ts$|\\.(test|contract|fixture)\\.ts$|^shared/src/testing/|/testing(/|\\.ts$)|^test/";
const domain =
  "^shared/src/(campaign|run|execution|transform|changeset|task|audit|installation|webhook|pacing|tokens|artifacts|spec)/|^shared/src/[^/]+\\.ts$";

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "no-circles",
      comment: "Two files that need each other are one thing, or hide a third; types alone may refer to each other.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "ports-stand-alone",
      comment: "A port is an interface: it knows no other code.",
      severity: "error",
      from: { path: "^shared/src/ports/" },
      to: { pathNot: "^shared/src/ports/" },
    },
    {
      name: "events-stand-alone",
      comment: "The catalogue is read by everybody and reads nobody.",
      severity: "error",
      from: { path: "^eventing/", pathNot: tests },
      to: { path: "^(shared|functions|cli|test)/" },
    },
    {
      name: "domain-stays-pure",
      comment: "The domain knows ports and events, never how they are made.",
      severity: "error",
      from: { path: domain, pathNot: tests },
      to: { path: "^(shared/src/(adapters|runtime|api)|functions|cli|test)/" },
    },
    {
      name: "adapters-are-wired-by-the-runtime",
      severity: "error",
      from: { path: "^shared/src/adapters/", pathNot: tests },
      to: { path: "^(shared/src/(runtime|api)|functions|cli|test)/" },
    },
    {
      name: "runtime-knows-no-edge",
      severity: "error",
      from: { path: "^shared/", pathNot: tests },
      to: { path: "^(functions|cli|test)/" },
    },
    {
      name: "functions-are-strangers",
      comment: "Functions talk through events and the tables, never by calling each other.",
      severity: "error",
      from: { path: "^functions/([^/]+)/", pathNot: tests },
      to: { path: "^functions/([^/]+)/", pathNot: "^functions/$1/" },
    },
    {
      name: "functions-use-no-adapter",
      comment: "A function gets what it needs from the runtime, by name.",
      severity: "error",
      from: { path: "^functions/", pathNot: tests },
      to: { path: "^shared/src/adapters/" },
    },
    {
      name: "cli-speaks-http",
      comment:
        "The CLI uses the public API as anybody can; only `octobatch dev` starts the platform itself, and `octobatch try` its sandbox.",
      severity: "error",
      from: { path: "^cli/", pathNot: `^cli/src/(dev|try)/|${tests}` },
      to: { path: "^(shared/src/(?!api/|spec/(nearest|limits))|functions|eventing)" },
    },
    {
      name: "no-tests-in-the-product",
      severity: "error",
      from: { pathNot: tests },
      to: { path: tests },
    },
    {
      name: "no-dev-dependencies-in-the-product",
      severity: "error",
      from: { path: "^(cli|eventing|functions|shared)/", pathNot: tests },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
