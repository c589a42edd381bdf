"""What does the configuration say? `app.yaml` and the services it includes become the plans that deployments pin."""

from bot.config.schema import schema
from bot.config.settings import Settings, load, plugin_files, rosters

__all__ = ["Settings", "load", "plugin_files", "rosters", "schema"]
