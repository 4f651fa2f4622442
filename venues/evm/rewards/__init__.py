"""Where rewards come from: each source as a plug-in that proves what arrived, and claims what has not."""
