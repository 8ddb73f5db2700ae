export { buildApp } from './app.js';
export { type Configuration, type Limits, readConfiguration } from './configuration.js';
export { EventHub } from './events/event-hub.js';
export type { Services } from './services.js';
