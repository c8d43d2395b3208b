-- Who has left cannot sign in any more; what he did stays under his name.
ALTER TABLE review_queue.users ADD COLUMN active boolean NOT NULL DEFAULT true;
