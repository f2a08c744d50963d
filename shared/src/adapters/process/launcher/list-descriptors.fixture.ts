import { launch } from "./launch.ts";

// Tells which descriptors a program has that is launched from here.
const launched = launch({
  argv: ["/bin/ls", "/proc/self/fd"],
  environment: {},
  directory: "/",
  onOutput: (_, chunk) => void process.stdout.write(chunk),
});
await launched.closed;
