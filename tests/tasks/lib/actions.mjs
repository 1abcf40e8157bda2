// Actions of computer_batch.
export const click = (x, y) => ({ action: 'left_click', coordinate: [x, y] });
export const double_click = (x, y) => ({ action: 'double_click', coordinate: [x, y] });
export const triple_click = (x, y) => ({ action: 'triple_click', coordinate: [x, y] });
export const middle_click = (x, y) => ({ action: 'middle_click', coordinate: [x, y] });
export const drag = (from, to) => ({ action: 'left_click_drag', start_coordinate: from, coordinate: to });
export const type = (text) => ({ action: 'type', text });
export const key = (text, repeat = 1) => ({ action: 'key', text, repeat });
export const wait = (duration) => ({ action: 'wait', duration });
