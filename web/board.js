// The drawing board: for a pointer, and for the keyboard, whose arrows move a pen that the space bar puts down or lifts.

const PEN = 14; // pixels
const STEP = 6;
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

/** Let `toggle` open and close the `panel` with the `board`; each drawing is shown as a file. */
export function watchBoard(toggle, panel, board, clear, show) {
  const context = board.getContext("2d");
  let at = [board.width / 2, board.height / 2];
  let isDown = false;

  const wipe = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, board.width, board.height);
    context.strokeStyle = "#e0e0e0";
    context.lineWidth = PEN;
    context.lineCap = context.lineJoin = "round";
  };
  const lineTo = (point) => {
    context.beginPath();
    context.moveTo(...at);
    context.lineTo(...point);
    context.stroke();
    at = point;
  };
  const finish = () => board.toBlob(show, "image/png");
  const pointOf = (event) => {
    const box = board.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * board.width, ((event.clientY - box.top) / box.height) * board.height];
  };

  toggle.addEventListener("click", () => {
    panel.hidden = !panel.hidden;
    toggle.setAttribute("aria-expanded", String(!panel.hidden));
    if (!panel.hidden) board.focus();
  });
  clear.addEventListener("click", () => {
    wipe();
    board.focus();
  });
  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    isDown = true;
    at = pointOf(event);
    lineTo(at);
  });
  board.addEventListener("pointermove", (event) => {
    if (isDown) lineTo(pointOf(event));
  });
  board.addEventListener("pointerup", () => {
    isDown = false;
    finish();
  });
  board.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      isDown = !isDown;
      if (isDown) lineTo(at);
      else finish();
    } else if (MOVES[event.key]) {
      const point = at.map((value, axis) => Math.max(0, Math.min(board.width, value + MOVES[event.key][axis])));
      if (isDown) lineTo(point);
      else at = point;
    } else {
      return;
    }
    event.preventDefault();
  });
  wipe();
}
