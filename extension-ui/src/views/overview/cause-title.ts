/** What the causes of misses are called. */
import type { Figures } from "../../api/openapi.js";

type Kind = Figures["causes"][number]["kind"];

const TITLES: Readonly<Record<Kind, string>> = {
  first_build: "First build",
  instruction_added: "New instruction",
  instruction_changed: "Changed instruction",
  argument_changed: "Changed build argument",
  environment_changed: "Changed environment",
  base_image_changed: "Changed base image",
  source_changed: "Changed download or git source",
  platform_changed: "Changed platform",
  context_changed: "Changed build context",
  files_changed: "Changed files",
  file_modes_changed: "Changed mode or owner of files",
  input_changed: "Changed input",
  no_cache: "Cache not wanted (--no-cache)",
  evicted: "Removed from the cache",
  not_exported: "Never added to the shared cache",
  import_failed: "Shared cache could not be used",
  nondeterministic: "Other files each time",
  unknown: "Not known",
};

export const causeTitle = (kind: Kind): string => TITLES[kind];
