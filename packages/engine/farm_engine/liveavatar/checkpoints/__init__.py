"""Reading the weights as they are published: strictly, tensor by tensor, never two copies of them in memory."""
