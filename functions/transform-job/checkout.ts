import { runInPod } from "#shared/runtime/run-in-pod.ts";

// The first container of a transform's pod: brings the base commit of the repository.
await runInPod("checkout");
