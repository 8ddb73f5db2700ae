import fastifyPlugin from 'fastify-plugin';
import { sendProblem } from '../problems/send-problem.js';

/** The one place where errors become responses. */
export const problems = fastifyPlugin(async (app) => {
  app.setErrorHandler(sendProblem);
});
