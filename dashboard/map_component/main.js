// The door for Streamlit: it calls this function when the component is mounted and after each run.

import { Board } from "./board.js";

const boards = new WeakMap(); // element -> board

export default function ({ data, parentElement, setTriggerValue }) {
  let board = boards.get(parentElement);
  if (!board) {
    try {
      board = new Board(parentElement);
    } catch (error) {
      parentElement.querySelector(".map-root")?.remove();
      setTriggerValue("missing", String(error.message));
      return () => {};
    }
    boards.set(parentElement, board);
  }
  board.update(data, setTriggerValue).catch((error) => {
    board.controls.status.textContent = `The map could not be drawn: ${error.message}.`;
    board.root.dataset.state = "failed";
    console.error(error);
  });
  return () => {
    boards.delete(parentElement);
    board.remove();
  };
}
