export { buildApp } from './app.js';
export { type Configuration, type Limits, readConfiguration } from './configuration.js';
export { EventHub } from './event-hub.js';
export type { Services } from './services.js';
