/** Runs our part of a transform's pod in this process, which is a container of it. It ends at once when the pod does. */
export async function runInPod(part: "checkout" | "conduct"): Promise<void> {
  // As the first process of its container it would otherwise not hear of it.
  process.once("SIGTERM", () => process.exit(143));
  if (part === "checkout") {
    const { checkOut } = await import("#shared/adapters/kubernetes/pod/check-out.ts");
    await checkOut();
  } else {
    const { conduct } = await import("#shared/adapters/kubernetes/pod/conduct.ts");
    await conduct();
    // The pod ends it, now that the last container has gone.
    setInterval(() => undefined, 60_000);
  }
}
