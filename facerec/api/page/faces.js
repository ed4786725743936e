// The view that lists all faces of the collection.

import {get, query} from './api.js';
import {onChange, tell} from './changes.js';
import {current, describe, holding, inCollection, personName} from './collection.js';
import {forget, label, nameElement, picture, sourceElement} from './crops.js';
import {at, button, isAt, make, removeItem, show} from './dom.js';
import {attempt, confirmed, say} from './messages.js';
import {deleteFace, faceButton, giveFaces, personForm} from './naming.js';
import {pagedList} from './pages.js';

const PAGE = 48;
const VIEW = 'faces';

const list = pagedList({
  list: 'face-list',
  more: 'more',
  busy: 'faces-busy',
  ask: async token => {
    const [page, described] = await Promise.all([
      get(inCollection('/faces') + query({limit: PAGE, next_token: token})), describe(),
    ]);
    return {items: page.faces.map(faceItem), next: page.next_token, faces: described.face_count};
  },
  present: ({faces}) => count(faces),
  clear: () => {
    at('count').textContent = '';
    show('faces-empty', false);
  },
});

function count(faces) {
  at('count').textContent = faces.toLocaleString('en');
  show('faces-empty', faces === 0);
}

function faceItem(face) {
  const item = make('li', {class: 'card tile', 'data-key': face.face_id});
  const name = nameElement(face);
  const actions = make('div', {class: 'row'});
  actions.append(
    faceButton('Name', label(face), () => {
      const form = personForm({label: 'Who is this?', yes: 'Save', submit: (text, send) => attempt(() => give(face, text, item), send)});
      actions.replaceChildren(form, button('Cancel', () => replace(item, face)));
      form.querySelector('input').focus();
    }),
    faceButton('Delete', `the face of ${label(face)}`, event => attempt(() => erase(face, item), event.target)));
  item.append(...[picture(face.face_id, `Face of ${label(face)}`), name,
    sourceElement(face), actions].filter(Boolean));
  return item;
}

async function give(face, text, item) {
  const person = await giveFaces(text, [face.face_id], {view: VIEW});
  if (!person) return;
  list.settle(item, () => replace(item, {...face, user_id: person.user_id, person_name: person.name}));
}

function replace(item, face) {
  const hadFocus = isAt(item);
  const renewed = faceItem(face);
  item.replaceWith(renewed);
  if (hadFocus) renewed.querySelector('button').focus();
}

async function erase(face, item) {
  const whose = face.user_id ? await personName(face.user_id) : label(face);
  if (!item.isConnected || !item.checkVisibility()) return; // the list was left before the name was known
  if (!await confirmed(`Delete this face of ${whose} for good? This cannot be undone.`, 'Delete', true)) return;
  await holding(() => deleteFace(face.face_id));
  forget(face.face_id);
  say('The face is deleted.');
  tell(VIEW);
  list.settle(item, () => removeItem(item, at('faces-title')));
  const collection = current();
  const described = await describe().catch(() => null); // the face is deleted, whatever is known of the others
  if (described && collection === current()) count(described.face_count);
}

at('faces-title').tabIndex = -1;
onChange(view => { if (view !== VIEW) list.renew(); });

export const facesView = {
  show: () => { list.enter(); list.renew(); },
  hide: list.hide,
};
