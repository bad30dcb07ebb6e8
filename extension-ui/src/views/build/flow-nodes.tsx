/** The boxes of the drawing: plain elements, as there may be a thousand of them. */
import type { NodeProps } from "@xyflow/react";
import { memo, type NamedExoticComponent } from "react";
import type { LinesFlowNode, StageFlowNode, StepFlowNode } from "./graph-flow.js";

const MISS_CLASSES: Readonly<Record<string, string>> = { "first miss": " missed", "because of it": " cascaded" };

export const StepNode: NamedExoticComponent<NodeProps<StepFlowNode>> = memo(function StepNode({ data }) {
  const { isCritical, mark, name, result, sign, text } = data;
  return (
    <div className={`step ${result}${isCritical ? " critical" : ""}${MISS_CLASSES[mark] ?? ""}`} title={name}>
      <div className="name">{name}</div>
      <div className="about">
        <span className="sign" aria-hidden>
          {sign}
        </span>
        <span>{text}</span> {mark !== "" && <span className="mark">{mark}</span>}
        {/* The box has a name that says it too. */}
        {isCritical && (
          <span title="on the critical path" aria-hidden>
            ◆
          </span>
        )}
      </div>
    </div>
  );
});

export const StageNode: NamedExoticComponent<NodeProps<StageFlowNode>> = memo(function StageNode({ data }) {
  return (
    <div className="stage" title={data.title}>
      {data.title}
    </div>
  );
});

export const LinesNode: NamedExoticComponent<NodeProps<LinesFlowNode>> = memo(function LinesNode({ data }) {
  return (
    <svg className="lines" width="100%" height="100%" aria-hidden>
      <path d={data.plain} />
      <path d={data.critical} className="critical" />
    </svg>
  );
});
