// tldraw with as many strokes as the page has: `strokes` are lists of x and y in turn, in pixels.
import { createRoot } from "react-dom/client";
import { compressLegacySegments, createShapeId, Tldraw } from "tldraw";
import "tldraw/tldraw.css";

function shapeOf(flat) {
  const [x, y] = flat;
  const points = [];
  for (let at = 0; at < flat.length; at += 2) points.push({ x: flat[at] - x, y: flat[at + 1] - y, z: 0.5 });
  const props = { segments: compressLegacySegments([{ type: "free", points }]), isComplete: true, size: "s", color: "red" };
  return { id: createShapeId(), type: "draw", x, y, props };
}

async function open(strokes) {
  const editor = await new Promise((resolve) => {
    const all = { maxShapesPerPage: 100_000 };
    createRoot(document.getElementById("root")).render(<Tldraw hideUi options={all} onMount={resolve} />);
  });
  editor.createShapes(strokes.map(shapeOf));
  editor.setCurrentTool("draw");
}

window.peer = { open };
