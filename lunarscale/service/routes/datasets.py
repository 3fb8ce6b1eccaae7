"""What datasets there are."""

from fastapi import APIRouter

from lunarscale.service.depending import Reader, TheDataset, TheHouse
from lunarscale.service.describing import DatasetFacts, DatasetList, facts_of
from lunarscale.service.problems import told, without_paths

router = APIRouter(prefix="/api/datasets", tags=["datasets"])


@router.get("", summary="All datasets", responses=told(401, 429))
def list_datasets(house: TheHouse, _: Reader) -> DatasetList:
    """The stores of the service's folder; of those that cannot be read, why."""
    folder = str(house.settings.data_dir)
    broken = {
        name: without_paths(str(error), folder) for name, error in house.catalogue.broken().items()
    }
    return DatasetList(datasets=list(map(facts_of, house.catalogue.datasets())), broken=broken)


@router.get("/{name}", summary="One dataset", responses=told(401, 404, 409, 422, 429))
def show_dataset(dataset: TheDataset) -> DatasetFacts:
    """Where a dataset is, what it shows, and how much of it is finished."""
    return facts_of(dataset)
