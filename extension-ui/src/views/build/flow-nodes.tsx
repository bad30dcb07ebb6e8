/** The boxes of the drawing: plain elements, as there may be a thousand of them. */
import { Handle, type NodeProps, Position } from "@xyflow/react";
import { memo, type NamedExoticComponent } from "react";
import type { StageFlowNode, StepFlowNode } from "./graph-flow.js";

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
        <span>{text}</span>
        {mark !== "" && <span className="mark">{mark}</span>}
        {isCritical && <span title="on the critical path">◆ critical</span>}
      </div>
      <Handle id="top" type="target" position={Position.Top} isConnectable={false} />
      <Handle id="left" type="target" position={Position.Left} isConnectable={false} />
      <Handle id="bottom" type="source" position={Position.Bottom} isConnectable={false} />
      <Handle id="right" type="source" position={Position.Right} isConnectable={false} />
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
