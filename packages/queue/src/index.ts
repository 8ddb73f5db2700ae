export { recoverStalledTickets, type StalledTicketRecovery } from './recover-stalled-tickets.js';
export { removeHostQueue } from './remove-host-queue.js';
export { type ClaimAnswer, TicketConsumer } from './ticket-consumer.js';
export { openTicketQueues, QUEUE_PREFIX, queueName, type TicketQueues, type TicketRequest } from './ticket-queues.js';
