/** What differs between one step of two builds in itself, inputs and files aside. */
import type { CauseKind, StepCause, StepRecord } from "./build-record.js";
import { nameList } from "./cause-text.js";
import { onOneLine, variablesIn } from "./step-name.js";

/**
 * Undefined where nothing does.
 * @param workdirChange a WORKDIR before it that changed, which tells more than that what it runs with did.
 */
export function ownChange(
  before: StepRecord,
  after: StepRecord,
  workdirChange: () => StepCause | undefined = () => undefined,
): StepCause | undefined {
  const changed = changedParts(before, after);
  if (changed.length === 0) return undefined;
  if (isSource(after)) return sourceChange(before, after);
  if (before.instruction !== after.instruction) return instructionChange(before, after);
  if (changed.includes("platform")) return platformChange(before, after);
  return variableChange(changed) ?? workdirChange() ?? settingChange(changed, after);
}

/** Names of the parts that differ, sorted. */
function changedParts(before: StepRecord, after: StepRecord): string[] {
  const names = new Set([...Object.keys(before.parts), ...Object.keys(after.parts)]);
  return [...names].filter((name) => before.parts[name] !== after.parts[name]).sort();
}

export const isSource = ({ kind }: StepRecord): boolean =>
  kind === "image" || kind === "local" || kind === "git" || kind === "http";

export const cause = (kind: CauseKind, text: string, hint: string, more: Partial<StepCause> = {}): StepCause => ({
  ...{ kind, text, hint },
  ...more,
});

function platformChange(before: StepRecord, after: StepRecord): StepCause {
  const text = `the platform changed from ${before.platform} to ${after.platform}`;
  return cause("platform_changed", text, "", { before: before.platform, after: after.platform });
}

function instructionChange(before: StepRecord, after: StepRecord): StepCause {
  const isKnown = before.instruction !== "" && after.instruction !== "";
  const texts = isKnown ? { before: before.instruction, after: after.instruction } : {};
  return cause("instruction_changed", "the instruction changed", "", texts);
}

function sourceChange(before: StepRecord, after: StepRecord): StepCause {
  if (after.kind !== "image") {
    const urls = { before: before.shown["url"] ?? "", after: after.shown["url"] ?? "" };
    const text = urls.before === urls.after ? "what is fetched from there changed" : "its address changed";
    return cause("source_changed", `${after.kind === "git" ? "the git source" : "the download"}: ${text}`, "", urls);
  }
  const [was, is] = [before, after].map(({ shown }) => ({
    image: shown["image"] ?? "",
    digest: shown["digest"] ?? "",
  }));
  const name = (image: typeof was): string => (image?.digest === "" ? image.image : `${image?.image}@${image?.digest}`);
  const both = { before: name(was), after: name(is) };
  if (was?.image !== is?.image)
    return cause(
      "base_image_changed",
      `the base image changed from ${was?.image ?? ""} to ${is?.image ?? ""}`,
      "",
      both,
    );
  if (was?.digest === is?.digest) {
    if (before.platform === after.platform) return cause("source_changed", "the base image is fetched otherwise", "");
    return platformChange(before, after);
  }
  return cause(
    "base_image_changed",
    `the base image ${is?.image ?? ""} was published anew: its digest changed`,
    "Pin the base image by its digest to decide yourself when it changes.",
    both,
  );
}

function variableChange(changed: readonly string[]): StepCause | undefined {
  const namesOf = (prefix: string): string[] =>
    changed.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  const args = namesOf("arg:");
  if (args.length > 0) {
    const hint = "Declare an ARG that changes often as late as possible, right before the step that uses it.";
    return cause("argument_changed", `the value of ${plural("ARG", args)} changed`, hint, { names: args });
  }
  const variables = namesOf("env:");
  if (variables.length === 0) return undefined;
  const text = `the value of ${plural("the environment variable", variables)} changed`;
  return cause("environment_changed", text, "Set an ENV that changes often after the steps that do not need it.", {
    names: variables,
  });
}

function plural(what: string, names: readonly string[]): string {
  return `${what}${names.length > 1 ? "s" : ""} ${nameList(names)}`;
}

/** The Dockerfile says the same, and it means something else by what is around it. */
function settingChange(changed: readonly string[], after: StepRecord): StepCause {
  if (changed.includes("folder"))
    return cause("environment_changed", "the folder that it runs in (WORKDIR) changed", "");
  if (changed.includes("user")) return cause("environment_changed", "the user that it runs as (USER) changed", "");
  if (changed.includes("document")) return cause("instruction_changed", "the document in it changed", "");
  const variables = variablesIn(after.instruction);
  if (after.kind === "exec") return execSettingChange(changed, variables);
  const subject = onOneLine(after.instruction).split(" ")[0] ?? "";
  if (variables.length > 0) {
    const text = `a value that ${subject} uses changed: ${nameList(variables)}, or the WORKDIR or USER before it`;
    return cause("environment_changed", text, "", { names: variables });
  }
  if (after.instruction === "") return cause("instruction_changed", "the operation changed", "");
  return cause("environment_changed", `what ${subject} depends on changed, such as the WORKDIR or USER before it`, "");
}

function execSettingChange(changed: readonly string[], variables: readonly string[]): StepCause {
  if (changed.includes("command"))
    return cause("instruction_changed", "its command changed, by SHELL or a document that it reads", "");
  const mounts = changed.flatMap((name) => (name.startsWith("mount:") ? [name.slice("mount:".length)] : []));
  if (mounts.length > 0) {
    const why = variables.length > 0 ? `, as a value may have: ${nameList(variables)}` : "";
    return cause("environment_changed", `its mount at ${nameList(mounts)} changed${why}`, "", { names: variables });
  }
  if (changed.includes("secrets")) return cause("environment_changed", "the secrets that it may read changed", "");
  const text = "the settings that it runs with changed, such as --network, --add-host, --shm-size or --ulimit";
  return cause("environment_changed", text, "Give each build the same settings.");
}
