export * from './duration.js';
export {
  createProgressView,
  type ProgressStream,
  type ProgressView,
  type ProgressViewOptions,
} from './progress-view.js';
