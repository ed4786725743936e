// Elements. Text from the server or from files only ever becomes text nodes and attributes.

export const at = id => document.getElementById(id);

/**
 * Create an element. Attributes whose value is a function are listeners of that event; true is an
 * attribute without a value; undefined, null and false are omitted.
 */
export function make(tag, attributes = {}, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...content.filter(each => each !== undefined && each !== null && each !== false));
  return made;
}

export const button = (text, click, attributes = {}) =>
  make('button', {type: 'button', click, ...attributes}, text);

let created = 0;
/** Return an id that no other element has. */
export const newId = prefix => `${prefix}-${created += 1}`;

export const plural = (count, one, many = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

export const show = (id, shown) => { at(id).hidden = !shown; };

/** Return whether the focus is in an element or nowhere: the user has not moved to something else. */
export const isAt = element =>
  document.activeElement === document.body || element.contains(document.activeElement);

/** Remove an item of a list, and move the focus to its neighbour, or else to `otherwise`. */
export function removeItem(item, otherwise) {
  const neighbour = item.nextElementSibling || item.previousElementSibling;
  const hadFocus = isAt(item);
  item.remove();
  if (!hadFocus) return;
  const target = neighbour && neighbour.querySelector('button:enabled, input, a');
  (target || otherwise).focus();
}
