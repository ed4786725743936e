// The view of what happens: jobs with their progress, and changes of people, which can be undone.

import {get, path, post} from './api.js';
import {listHistory, onChange, undoChange} from './changes.js';
import {at, button, make, newId, plural, show} from './dom.js';
import {keepFocus} from './focus.js';
import {folderOf, startJob} from './job_folders.js';
import {attempt, confirmed, say, withdraw} from './messages.js';
import {pagedList} from './pages.js';
import {Outdated, turns} from './turns.js';

const SECONDS = 2;
const RUNNING = ['PENDING', 'RUNNING'];
const PAGE = 30;

let visible = false;
let timer = null;
let lost = ''; // why the last request for jobs failed
const jobTurns = turns();
const acting = new Set(); // ids of jobs with which something is being done
let undone = new Set(); // ids of entries whose change was taken back, and not made again

const STATUS = {
  PENDING: 'waiting', RUNNING: 'running', SUCCEEDED: 'succeeded', FAILED: 'failed',
  INCOMPLETE: 'incomplete', CANCELLED: 'cancelled', UNREADABLE: 'its folder cannot be read',
};

/** List the jobs, and again as long as one is running or the server does not answer. */
async function watchJobs() {
  let again = false;
  try {
    again = await loadJobs();
    withdraw(lost);
    lost = '';
  } catch (error) {
    if (error instanceof Outdated) return; // the newer request continues
    again = error.status !== 401;
    const isKnown = lost === error.message;
    lost = error.message;
    if (!isKnown) throw error;
  } finally {
    if (again && visible) {
      clearTimeout(timer);
      timer = setTimeout(() => attempt(watchJobs), 1000 * SECONDS);
    }
  }
}

/** List the jobs; return whether one is running. */
async function loadJobs() {
  const shown = await jobTurns.begin()(get('jobs').then(({jobs}) => Promise.all(jobs.map(job =>
    RUNNING.includes(job.status) ? get(path`jobs/${job.job_id}`).catch(() => job) : job))));
  keepFocus(at('jobs'), () => at('jobs').replaceChildren(...shown.map(jobItem)));
  show('jobs-empty', !shown.length);
  return shown.some(job => RUNNING.includes(job.status));
}

/** Do something with a job, whose buttons are off until then, and list the jobs again. */
async function doing(job, work) {
  acting.add(job.job_id);
  try {
    await work();
  } finally {
    acting.delete(job.job_id);
    if (visible) attempt(watchJobs);
  }
}

function jobItem(job) {
  const titleId = newId('job');
  const {progress} = job;
  const photos = progress ? progress.photos : job.photos;
  const faces = progress ? progress.faces : job.faces;
  const isRunning = RUNNING.includes(job.status);
  const bar = isRunning && make('progress', {'aria-labelledby': titleId});
  if (bar && progress && progress.estimated_photos) {
    bar.max = progress.estimated_photos;
    bar.value = Math.min(progress.photos, progress.estimated_photos);
  }
  const facts = [
    photos !== null && (progress && isRunning
      ? `${photos.toLocaleString('en')} of ${progress.exact ? '' : 'about '}${plural(progress.estimated_photos, 'photo')}`
      : plural(photos, 'photo')),
    faces !== null && plural(faces, 'face'),
    progress && progress.failures > 0 && `${progress.failures} failed`,
    progress && progress.seconds_left !== null && isRunning && `about ${plural(Math.ceil(progress.seconds_left), 'second')} left`,
    `started ${when(job.started_at)}`,
  ].filter(Boolean);
  const chip = isRunning ? 'ambiguous' : job.status === 'SUCCEEDED' ? 'match' : 'unknown';
  const act = (text, work) => button(text, event => attempt(work, event.target), {disabled: acting.has(job.job_id)});
  const cancel = isRunning && act('Cancel …', async () => {
    if (!await confirmed('Cancel this job? It can be started again and then continues.', 'Cancel the job')) return;
    await doing(job, () => post(path`jobs/${job.job_id}/cancel`));
    say('The job is cancelled.');
  });
  const folder = folderOf(job.job_id);
  const resume = folder && ['INCOMPLETE', 'CANCELLED', 'FAILED'].includes(job.status) && act('Start again', async () => {
    await doing(job, () => startJob(folder));
    say('The job is started again; it continues where it stopped.');
  });
  const isStopped = ['INCOMPLETE', 'CANCELLED'].includes(job.status);
  return make('li', {class: 'card', 'aria-labelledby': titleId, tabindex: '-1', 'data-key': job.job_id},
    make('div', {class: 'row spread'},
      make('h3', {id: titleId, class: 'name', title: job.collection_id}, job.collection_id || 'Job'),
      make('span', {class: `chip ${chip}`}, STATUS[job.status] || job.status)),
    folder && make('p', {class: 'name'}, `${folder.bucket}/${folder.prefix}`),
    bar, make('p', {class: 'quiet'}, facts.join(' · ')),
    job.cause && make('p', {class: 'name'}, job.cause),
    isStopped && !folder && make('p', {class: 'quiet'}, 'It continues when its folder is started again under Add photos.'),
    cancel, resume);
}

const when = time => time ? new Date(time).toLocaleString('en', {dateStyle: 'medium', timeStyle: 'short'}) : 'at an unknown time';

const ACTIONS = {
  CREATE: 'Created', RENAME: 'Renamed', DELETE: 'Deleted', MERGE: 'Merged', SPLIT: 'Split',
  ADD_FACES: 'Gave faces to', REMOVE_FACES: 'Took faces from', ENROL: 'Enrolled', NAME_CLUSTER: 'Named a cluster:',
  NOT_SAME: 'Said that a face does not show', IGNORE: 'Ignored a cluster', NOT_A_FACE: 'Said that it is not a face',
  REGISTER: 'Registered', UNREGISTER: 'Ended the registration of', UNDO: 'Undid a change of',
};
// What an action was if a step of it has this kind.
const LIFTED = {
  IGNORED_LIFTED: 'Listed a cluster again', NOT_A_FACE_LIFTED: 'Said that it is a face after all',
  CORRECTION_LIFTED: 'Took back that a face does not show',
};
// Actions that are not about a person.
const IMPERSONAL = ['IGNORE', 'NOT_A_FACE'];

const history = pagedList({
  list: 'history',
  more: 'more-history',
  ask: async token => {
    const page = await listHistory({limit: PAGE, next_token: token});
    const known = new Set(token ? undone : []);
    for (const entry of page.entries) if (entry.undoes && !known.has(entry.entry_id)) known.add(entry.undoes);
    const items = page.entries.map(entry => historyItem(entry, known.has(entry.entry_id)));
    return {items, next: page.next_token, known};
  },
  present: ({known}) => {
    undone = known;
    show('history-empty', !at('history').children.length);
  },
  clear: () => show('history-empty', false),
});

function historyItem(entry, isUndone) {
  const people = [...new Set(entry.steps.flatMap(step => [step.user_id, step.other_id, step.person]).filter(Boolean))];
  const names = people.map(person => entry.names[person] || person);
  const faces = new Set(entry.steps.flatMap(step => step.face_ids)).size;
  const lifted = entry.action !== 'UNDO' && entry.steps.map(step => LIFTED[step.kind]).find(Boolean);
  const isImpersonal = IMPERSONAL.includes(entry.action) || (entry.action === 'UNDO' && entry.steps.every(step => step.cluster_id || step.kind.startsWith('NOT_A_FACE')));
  const action = entry.action === 'UNDO' && isImpersonal ? 'Undid a change of a cluster' : lifted || ACTIONS[entry.action] || entry.action;
  const text = isImpersonal ? action : `${action} ${names.join(', ') || 'a person who was erased'}`;
  return make('li', {class: 'row spread', 'data-key': entry.entry_id},
    make('span', {class: 'grow'}, make('strong', {class: 'name'}, text), make('br'),
      make('span', {class: 'quiet name'}, [when(entry.at), entry.by && `by ${entry.by}`, entry.why, faces && plural(faces, 'face')].filter(Boolean).join(' · '))),
    isUndone ? make('span', {class: 'quiet'}, 'undone') : !entry.erased && button('Undo', event => attempt(() => undoChange([entry.entry_id]), event.target), {'aria-label': `Undo: ${text}`}));
}

onChange(history.renew);

export const activityView = {
  show: () => {
    visible = true;
    lost = '';
    attempt(watchJobs);
    history.enter();
    history.renew();
  },
  hide: () => {
    visible = false;
    clearTimeout(timer);
    jobTurns.end();
    history.hide();
  },
};
