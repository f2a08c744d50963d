import type { ApiClient, SelectionPage } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import type { Session } from "./session.ts";

/**
 * Reads what a spec selects, page by page. When GitHub has to be waited for, it says so and waits for as long as it was
 * told; then it goes on with the same page.
 * @throws CliError for what the service refuses, and the interruption's reason.
 */
export async function* readSelection(
  { io, progress }: Pick<Session, "io" | "progress">,
  api: Pick<ApiClient, "selectionPage">,
  file: { readonly spec: string; readonly source: string },
): AsyncGenerator<SelectionPage, void> {
  for (let place: SelectionPage["next"] = { part: 0 }; place !== undefined;) {
    const page: SelectionPage | number = await api.selectionPage({ ...file, ...place }).catch((error: unknown) => {
      if (!(error instanceof CliError) || error.retryAfterMs === undefined) throw error;
      progress.show(`${error.message} Going on in ${Math.ceil(error.retryAfterMs / 1000)} s`);
      return error.retryAfterMs;
    });
    if (typeof page === "number") {
      await io.sleep(page, io.interrupted);
      continue;
    }
    yield page;
    place = page.next;
  }
}
