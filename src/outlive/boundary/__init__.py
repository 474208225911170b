"""What crosses from one task to another, and how: the part of the task queues that is the same for all of them."""
