// Runs a TypeScript file, a package's command or an npm script on the Node version that the project pins, installing the
// locked packages first when they are missing or stale. Plain JavaScript without imports from packages: it is what the
// machine's own Node (20 or newer) runs before anything is installed.
//
//   node cli/bin/bootstrap.mjs FILE [ARG ...]
//   node cli/bin/bootstrap.mjs --bin COMMAND [ARG ...]
//   node cli/bin/bootstrap.mjs --script NPM-SCRIPT [ARG ...]
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const modules = join(root, "node_modules");
const stamp = join(modules, ".octobatch-lock-hash");
const wantedMajor = 24;

/** Installs the locked packages unless the stamp says that these very ones are installed. */
function installPackages() {
  const lock = join(root, "package-lock.json");
  if (!existsSync(lock)) return; // Installed as a package itself: npm has done the work.
  const hash = createHash("sha256").update(readFileSync(lock)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  process.stderr.write("octobatch: installing the locked packages (npm ci) …\n");
  // The inherited npm_* settings of an outer `npm run` would steer this npm; it gets none of them.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)/i.test(name)));
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    env,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) {
    process.stderr.write(
      "octobatch: npm ci failed (its messages are above). Check the network and npm, then try again.\n",
    );
    process.exit(69);
  }
  writeFileSync(stamp, hash);
}

/** The pinned Node where npm has one for this platform, else the Node that runs this, if it is new enough. */
function findNode() {
  const pinned = join(modules, `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split(".")[0]) >= wantedMajor) return process.execPath;
  process.stderr.write(
    `octobatch: there is no pinned Node for ${process.platform}-${process.arch} and this one is ${process.version}. ` +
      `Install Node ${wantedMajor} or newer, then try again.\n`,
  );
  process.exit(69);
}

const [first, ...rest] = process.argv.slice(2);
if (first === undefined) {
  process.stderr.write("usage: node cli/bin/bootstrap.mjs FILE | --bin COMMAND | --script NPM-SCRIPT [ARG ...]\n");
  process.exit(64);
}
installPackages();
const node = findNode();
const [command, args] =
  first === "--bin"
    ? [join(modules, ".bin", rest[0] ?? ""), rest.slice(1)]
    : first === "--script"
      ? ["npm", ["run", "--silent", ...rest]]
      : [node, [resolve(root, first), ...rest]];
const child = spawn(command, args, {
  cwd: first === "--bin" || first === "--script" ? root : process.cwd(),
  stdio: "inherit",
  env: {
    ...process.env,
    PATH: [dirname(node), join(modules, ".bin"), process.env.PATH].join(delimiter),
    NODE: node,
    npm_node_execpath: node,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(modules, ".cache", "node-compile"),
  },
});
// A terminal's Ctrl-C reaches the child by itself; a supervisor's signal reaches only this process and is passed on.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
