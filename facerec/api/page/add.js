// The view that adds many photos, a few at a time.

import {post, sendPhoto} from './api.js';
import {current, onCollection} from './collection.js';
import {keepCrops} from './crops.js';
import {at, button, make, plural, removeItem, show} from './dom.js';
import {attempt, leaveFor} from './messages.js';

const MAX_SENDING = 3;

let run = newRun();

function newRun() {
  return {collection: '', waiting: [], sending: 0, total: 0, done: 0, faces: 0, failed: new Map(), stop: new AbortController()};
}

const isIdle = () => run.sending === 0 && run.waiting.length === 0;

function add(files) {
  if (!files.length) return;
  if (isIdle()) {
    run = newRun();
    run.collection = current();
    at('upload-errors').replaceChildren();
  }
  run.waiting.push(...files);
  run.total += files.length;
  show('upload', true);
  fill();
}

/** Start as many uploads as may run, and show how far they are. */
function fill() {
  while (run.sending < MAX_SENDING && run.waiting.length) send(run, run.waiting.shift());
  report();
}

async function send(mine, file) {
  mine.sending += 1;
  try {
    const fields = {collection_id: mine.collection};
    const indexed = await sendPhoto('face-recognition/index', file, fields, mine.stop.signal);
    if (mine.collection === current()) await keepCrops(file, indexed.faces);
    mine.faces += indexed.faces.length;
    mine.done += 1;
  } catch (error) {
    mine.failed.set(file, error.name === 'AbortError' ? 'Stopped.' : error.message);
    if (mine === run) showFailure(file, mine.failed.get(file));
  } finally {
    mine.sending -= 1;
    if (mine === run) fill();
  }
}

function showFailure(file, why) {
  const item = make('li', {class: 'row spread'},
    make('span', {class: 'grow'}, make('strong', {class: 'name'}, file.name), make('br'), make('span', {class: 'quiet'}, why)),
    button('Try again', () => {
      removeItem(item, at('upload-title'));
      retry([file]);
    }, {'aria-label': `Try again: ${file.name}`}));
  at('upload-errors').append(item);
}

function retry(files) {
  if (run.stop.signal.aborted) run.stop = new AbortController();
  for (const file of files) run.failed.delete(file);
  run.waiting.push(...files);
  fill();
}

function report() {
  const {total, done, faces, failed} = run;
  const ended = done + failed.size;
  at('upload-progress').max = total;
  at('upload-progress').value = ended;
  at('upload-summary').textContent =
    `${done.toLocaleString('en')} of ${plural(total, 'photo')} added to ${run.collection}, ${plural(faces, 'face')}`
    + (failed.size ? `, ${failed.size} failed.` : '.');
  at('upload-title').textContent = ended < total ? 'Adding photos …' : 'Done';
  show('upload-stop', ended < total);
  show('upload-failed', failed.size > 0);
  show('upload-next', ended === total && faces > 0);
}

at('upload-title').tabIndex = -1;
at('upload-stop').addEventListener('click', () => {
  run.stop.abort();
  for (const file of run.waiting.splice(0)) {
    run.failed.set(file, 'Stopped.');
    showFailure(file, 'Stopped.');
  }
  report();
  at('upload-title').focus();
});
at('upload-retry').addEventListener('click', () => {
  at('upload-errors').replaceChildren();
  retry([...run.failed.keys()]);
  at('upload-title').focus();
});
at('add-files').addEventListener('change', event => {
  add([...event.target.files]);
  event.target.value = '';
});
at('job').addEventListener('submit', event => {
  event.preventDefault();
  attempt(async () => {
    await post('face-recognition/index', {
      collection_id: current(), bucket: at('job-bucket').value.trim(), prefix: at('job-prefix').value.trim(),
    });
    leaveFor('#/activity', 'The job is started.');
  }, at('job').querySelector('button'));
});
addEventListener('beforeunload', event => { if (!isIdle()) event.preventDefault(); });
onCollection(() => { if (isIdle()) show('upload', false); });

export const addView = {show: () => {}, drop: add};
