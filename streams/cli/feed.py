"""`juice replay`: real events from files into Kafka."""
