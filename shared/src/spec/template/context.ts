/** What JSON can hold: the value of an output whose format is `json` or `yaml`. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Paths relative to the root of the repository. */
export interface ChangedFiles {
  readonly modified_files: readonly string[];
  readonly added_files: readonly string[];
  readonly deleted_files: readonly string[];
  /** The new paths. */
  readonly renamed_files: readonly string[];
}

export interface StepResult extends ChangedFiles {
  readonly stdout: string;
  readonly stderr: string;
}

/** What templates can read; the fields have the names they have in templates, so that the two cannot drift apart. */
export interface TemplateContext {
  readonly campaign: {
    readonly name: string;
    readonly description: string;
    /** Where people see the campaign; only the texts of a pull request may use it. */
    readonly url?: string | undefined;
  };
  /** As in `RepositoryRef`: the name comes without the owner. In templates `repository.name` is `owner/name`. */
  readonly repository: { readonly owner: string; readonly name: string; readonly branch: string };
  /** The directory that the steps run in, relative to the root of the repository; empty when it is the root. */
  readonly workspace: { readonly path: string };
  /** What all steps so far have changed, the present one included while its outputs are rendered. */
  readonly steps: ChangedFiles;
  /** The last step that ran before the present one. */
  readonly previous_step?: StepResult | undefined;
  /** The present step, while its outputs are rendered. */
  readonly step?: StepResult | undefined;
  /** Parsed values by name; one that is missing, because its step was skipped, renders to nothing. */
  readonly outputs: Readonly<Record<string, JsonValue>>;
}
