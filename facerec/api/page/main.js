// The page: which view is shown, the token, dropped files and the keyboard.

import {activityView} from './activity.js';
import {addView} from './add.js';
import {onRefused, post, useToken} from './api.js';
import {settled} from './changes.js';
import {current, loadCollections} from './collection.js';
import {at, show} from './dom.js';
import {facesView} from './faces.js';
import {keepPath} from './file_names.js';
import {matchView} from './match.js';
import {asked, attempt, say, sayNext, undoLast} from './messages.js';
import {peopleView} from './people.js';
import {personView} from './person.js';
import {unknownView} from './unknown.js';

const VIEWS = {
  match: matchView, add: addView, unknown: unknownView, people: peopleView, person: personView,
  faces: facesView, activity: activityView,
};
const TABS = [...document.querySelectorAll('.tabs a')];
const COLLECTION = {
  label: 'Name (letters, digits, _ . and -)',
  pattern: '(?!\\.{1,2}$)[a-zA-Z0-9_.\\-]{1,255}',
  title: 'letters, digits, _ . and -',
  yes: 'Create',
};

let shown = null;
let ready = false;

/** Show the view that the address names. */
function route(isFirst = false) {
  const parts = location.hash.split('/');
  if (location.hash && parts[0] !== '#') return; // the link that skips to the content
  const name = Object.hasOwn(VIEWS, parts[1]) ? parts[1] : 'match';
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close(); // it asked about the view that is left
  const isEmpty = !current();
  if (shown && VIEWS[shown].hide) VIEWS[shown].hide();
  for (const each of Object.keys(VIEWS)) show(each, each === name && !isEmpty);
  show('welcome', isEmpty);
  for (const tab of TABS) {
    const isCurrent = tab.hash === `#/${name === 'person' ? 'people' : name}`;
    if (isCurrent) tab.setAttribute('aria-current', 'page'); else tab.removeAttribute('aria-current');
  }
  shown = isEmpty ? null : name;
  if (!isFirst) {
    scrollTo(0, 0);
    if (!isEmpty) sayNext();
  }
  const titled = isEmpty ? null : VIEWS[name].show(decoded(parts[2]));
  const address = location.hash;
  const entitle = () => {
    if (address !== location.hash) return;
    const heading = at(isEmpty ? 'welcome' : name).querySelector('h1');
    document.title = `${heading.firstChild.textContent.trim()} – facerec`;
    if (isFirst || isEmpty) return;
    heading.tabIndex = -1;
    heading.focus({preventScroll: true});
  };
  // A heading that is still to come would be read as that of the view before.
  if (titled) titled.then(entitle); else entitle();
}

function decoded(part) {
  try { return decodeURIComponent(part || ''); } catch { return part; }
}

/** List the collections, choose one, and show the view. */
async function open(chosen, isFirst = false) {
  await loadCollections(chosen);
  ready = true;
  route(isFirst);
  take(early.splice(0));
}

let starting = false;
async function start() {
  if (starting) return;
  starting = true;
  try {
    await open(undefined, true);
  } finally {
    starting = false;
  }
}

async function create() {
  const name = await asked('Create a collection', COLLECTION.label, COLLECTION);
  if (!name) return;
  await post('collections', {collection_id: name});
  await open(name);
  say(`Collection ${name} is created.`);
}

for (const id of ['create', 'welcome-create']) at(id).addEventListener('click', () => attempt(create));
const showAgain = () => { if (ready) route(); else attempt(start); }; // the start may have failed before
addEventListener('hashchange', showAgain);
for (const tab of TABS) tab.addEventListener('click', () => { if (tab.hash === location.hash) showAgain(); });

onRefused(() => {
  show('login', true);
  for (const name of [...Object.keys(VIEWS), 'welcome']) show(name, false);
  at('token').focus();
});
at('login').addEventListener('submit', event => {
  event.preventDefault();
  attempt(async () => {
    useToken(at('token').value);
    show('login', false);
    say('');
    await open();
  }, event.submitter);
});

const early = []; // files that came before the collections were listed

// Photos that are dropped or pasted go to the view at hand, or else are matched.
function take(files) {
  if (!files.length) return;
  if (!ready) { early.push(...files); return; }
  if (!current()) return;
  if (!shown || !VIEWS[shown].drop) location.hash = '#/match';
  (shown && VIEWS[shown].drop ? VIEWS[shown] : matchView).drop(files);
}

/** Return the files of a drop, those of folders included. */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  if (!entries.some(entry => entry.isDirectory)) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
    keepPath(file, entry.fullPath);
    return [file];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!some.length) return found;
    for (const each of some) if (!each.name.startsWith('.')) found.push(...await filesOf(each));
  }
}

const over = isOver => {
  for (const each of document.querySelectorAll('.drop')) each.classList.toggle('over', isOver);
};
addEventListener('dragover', event => { event.preventDefault(); over(true); });
addEventListener('dragleave', event => { if (!event.relatedTarget) over(false); });
addEventListener('drop', event => {
  event.preventDefault();
  over(false);
  attempt(async () => take(await droppedFiles(event.dataTransfer)));
});
addEventListener('paste', event => take([...event.clipboardData.files]));

// Keys of one character can be switched off, since they disturb some who speak to their computer.
const isOn = () => localStorage.getItem('shortcuts') !== 'off';
at('use-shortcuts').checked = isOn();
at('use-shortcuts').addEventListener('change', event => {
  localStorage.setItem('shortcuts', event.target.checked ? 'on' : 'off');
});
at('help').addEventListener('click', () => at('shortcuts').showModal());

function step(by) {
  const cards = [...document.querySelectorAll('main > section:not([hidden]) li[tabindex]')];
  const index = cards.findIndex(card => card.contains(document.activeElement));
  const next = cards[index < 0 ? 0 : Math.min(cards.length - 1, Math.max(0, index + by))];
  if (next) next.focus();
}

addEventListener('keydown', event => {
  if (event.key === 'Escape' && !document.querySelector('dialog[open]')) say('');
  const isField = event.target.closest && event.target.closest('input:not([type=checkbox], [type=file], [type=range]), select, textarea, dialog');
  if (isField || !isOn() || event.ctrlKey || event.metaKey || event.altKey) return;
  const tab = TABS[Number(event.key) - 1];
  if (tab) location.hash = tab.hash;
  else if (event.key === 'u') settled().then(undoLast); // the last change may still be under way
  else if (event.key === 'j') step(1);
  else if (event.key === 'k') step(-1);
  else if (event.key === '?') at('shortcuts').showModal();
});

attempt(start);
