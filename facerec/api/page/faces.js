// The view that lists all faces of the collection.

import {get, query} from './api.js';
import {onChange} from './changes.js';
import {describe, inCollection, onCollection, personName} from './collection.js';
import {forget, label, nameElement, picture, sourceElement} from './crops.js';
import {at, button, make, removeItem, show} from './dom.js';
import {attempt, confirmed, say} from './messages.js';
import {deleteFace, faceButton, giveFaces, personForm} from './naming.js';

const PAGE = 48;

let next = null;
let visible = false;
let turn = 0;
let naming = false; // whether this view is changing people itself

async function load(more = false) {
  const mine = more ? turn : ++turn;
  if (!more && !at('face-list').children.length) show('faces-busy', true);
  const [page, described] = await Promise.all([
    get(inCollection('/faces') + query({limit: PAGE, next_token: more ? next : null})), describe(),
  ]).finally(() => show('faces-busy', false));
  if (mine !== turn) return;
  if (!more) at('face-list').replaceChildren();
  at('face-list').append(...page.faces.map(faceItem));
  count(described.face_count);
  next = page.next_token;
  show('more', next !== null);
}

function count(faces) {
  at('count').textContent = faces.toLocaleString('en');
  show('faces-empty', faces === 0);
}

function faceItem(face) {
  const item = make('li', {class: 'card tile'});
  const name = nameElement(face);
  const actions = make('div', {class: 'row'});
  actions.append(
    faceButton('Name', label(face), () => {
      const form = personForm({label: 'Who is this?', yes: 'Save', submit: (text, send) => attempt(() => give(face, text, item), send)});
      actions.replaceChildren(form, button('Cancel', () => { item.replaceWith(faceItem(face)); }));
      form.querySelector('input').focus();
    }),
    faceButton('Delete', `the face of ${label(face)}`, event => attempt(() => erase(face, item), event.target)));
  item.append(...[picture(face.face_id, `Face of ${label(face)}`), name,
    sourceElement(face), actions].filter(Boolean));
  return item;
}

async function give(face, text, item) {
  naming = true;
  try {
    const person = await giveFaces(text, [face.face_id]);
    if (!person) return;
    const renewed = faceItem({...face, user_id: person.user_id, person_name: person.name});
    item.replaceWith(renewed);
    renewed.querySelector('button').focus();
  } finally {
    naming = false;
  }
}

async function erase(face, item) {
  const whose = face.user_id ? await personName(face.user_id) : label(face);
  if (!await confirmed(`Delete this face of ${whose} for good? This cannot be undone.`, 'Delete', true)) return;
  await deleteFace(face.face_id);
  forget(face.face_id);
  removeItem(item, at('faces-title'));
  count((await describe()).face_count);
  say('The face is deleted.');
}

at('more').addEventListener('click', () => attempt(() => load(true), at('more')));
at('faces-title').tabIndex = -1;
const renew = () => { if (visible && !naming) attempt(() => load()); };
onChange(renew);
onCollection(() => { at('face-list').replaceChildren(); renew(); });

export const facesView = {
  show: () => { visible = true; renew(); },
  hide: () => { visible = false; },
};
