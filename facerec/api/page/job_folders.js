// The folders of jobs that were started in this browser, since the server names none.

import {post} from './api.js';

const MAX_KEPT = 50;
const KEY = 'job-folders';

const kept = () => {
  try { return new Map(JSON.parse(localStorage.getItem(KEY))); } catch { return new Map(); }
};

/** Start a job for a folder, or continue one that was stopped; `folder` is the body of the request. */
export async function startJob(folder) {
  const job = await post('face-recognition/index', folder);
  const folders = kept();
  folders.delete(job.job_id);
  folders.set(job.job_id, folder);
  localStorage.setItem(KEY, JSON.stringify([...folders].slice(-MAX_KEPT)));
}

/** Return what a job was started with; undefined if that was not in this browser. */
export const folderOf = jobId => kept().get(jobId);
