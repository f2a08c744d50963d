import { z } from "@hono/zod-openapi";

export const artifactKind = z.enum(["patch", "changes", "result", "log"]).openapi("ArtifactKind");

export const artifactsBody = z
  .object({
    artifacts: z.array(
      z.object({
        kind: artifactKind,
        step: z.int().optional().openapi({ description: "Of a log: the step's index, from 0" }),
        fileName: z.string().openapi({ description: "What a browser saves it as", example: "patch.diff" }),
        sizeBytes: z.int(),
      }),
    ),
  })
  .openapi("Artifacts");
