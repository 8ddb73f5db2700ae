export { type Janitor, startJanitor } from './janitor.js';
export { type ClaimAnswer, TicketTaker } from './ticket-taker.js';
export { openTicketQueues, QUEUE_PREFIX, queueName, type TicketQueues, type TicketRequest } from './tickets.js';
