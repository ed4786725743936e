// Where the focus is while lists are renewed: who uses the keyboard continues at the same item.

import {at} from './dom.js';

const CONTROLS = 'button, input, a';

let last = null; // what had the focus last, even if it is off now, or if a question is asked

const isQuestion = element => element.closest('dialog') !== null;

// The whole view has the focus only if what had it is gone or off.
document.addEventListener('focusin', ({target}) => {
  if (target !== at('main') && !isQuestion(target)) last = target;
});
document.addEventListener('pointerdown', ({target}) => {
  if (!isQuestion(target)) last = target.closest(CONTROLS);
}, true);

/**
 * Replace items of a list and keep the focus: it stays at the same control of the same item, as the
 * `data-key` of items says, or else in the item at this position, or else goes to `otherwise`.
 */
export function keepFocus(list, change, otherwise = headingOf(list)) {
  const items = [...list.children];
  const index = items.findIndex(each => each.contains(last));
  const before = index < 0 ? null : {index, key: items[index].dataset.key, ...positionOf(last, items[index])};
  change();
  if (!before) return;
  if (!last.isConnected) last = successor(list, before) || otherwise;
  if ([document.body, at('main')].includes(document.activeElement)) last.focus({preventScroll: true});
}

function headingOf(list) {
  const heading = list.closest('section').querySelector('h1');
  heading.tabIndex = -1;
  return heading;
}

function successor(list, {index, key, name, number}) {
  const items = [...list.children];
  const same = key && items.find(each => each.dataset.key === key);
  const item = same || items[Math.min(index, items.length - 1)];
  return item && ((same && controls(same).filter(each => nameOf(each) === name)[number]) || firstOf(item));
}

const controls = item => [...item.querySelectorAll(CONTROLS)];
const nameOf = control => [control.tagName, control.type, control.ariaLabel || control.textContent].join(' ');

/** Return the name of a control, and its number among those of its item with this name. */
function positionOf(control, item) {
  const name = nameOf(control);
  return {name, number: controls(item).filter(each => nameOf(each) === name).indexOf(control)};
}

/** Return what gets the focus of an item: the item itself, if it can have it. */
const firstOf = item => item.hasAttribute('tabindex') ? item : item.querySelector('button:enabled, input, a');

/** Move the focus to where it was last, or else to the whole view. */
export function returnFocus() {
  (last && last.checkVisibility() ? last : at('main')).focus();
}
