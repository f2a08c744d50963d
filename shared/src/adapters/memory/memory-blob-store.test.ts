import { blobStoreContract } from "../../testing/blob-store.contract.ts";
import { createMemoryBlobStore } from "./memory-blob-store.ts";

blobStoreContract("a blob store in memory", async () => ({ store: createMemoryBlobStore(), close: async () => {} }));
