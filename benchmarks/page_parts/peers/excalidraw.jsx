// Excalidraw with as many strokes as the page has: `strokes` are lists of x and y in turn, in pixels.
import { Excalidraw, restoreElements } from "@excalidraw/excalidraw";
import "@excalidraw/excalidraw/index.css";
import { createRoot } from "react-dom/client";

function elementOf(flat, at) {
  const [x, y] = flat;
  const points = [];
  for (let each = 0; each < flat.length; each += 2) points.push([flat[each] - x, flat[each + 1] - y]);
  const style = { strokeColor: "#e03131", backgroundColor: "transparent", fillStyle: "solid", strokeWidth: 1, roughness: 0, opacity: 100 };
  return { id: `stroke${at}`, type: "freedraw", x, y, points, pressures: [], simulatePressure: true, seed: 1, version: 1, ...style };
}

async function open(strokes) {
  const elements = restoreElements(strokes.map(elementOf), null, { refreshDimensions: false, repairBindings: false });
  const editor = await new Promise((resolve) => {
    const strokesFirst = { elements, scrollToContent: false };
    createRoot(document.getElementById("root")).render(<Excalidraw initialData={strokesFirst} excalidrawAPI={resolve} />);
  });
  while (editor.getSceneElements().length < strokes.length) await new Promise((resolve) => setTimeout(resolve, 50));
  editor.setActiveTool({ type: "freedraw" });
}

window.peer = { open };
