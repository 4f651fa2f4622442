// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// Pays what earners have earned by roots of their earnings so far: a tree of earners, each with a tree of tokens. Reading,
/// claiming, events and errors are those of EigenLayer's RewardsCoordinator; anybody may submit and disable roots here.
contract RewardsCoordinator {
    using SafeERC20 for IERC20;

    struct DistributionRoot {
        bytes32 root;
        uint32 rewardsCalculationEndTimestamp;
        uint32 activatedAt;
        bool disabled;
    }

    struct EarnerTreeMerkleLeaf {
        address earner;
        bytes32 earnerTokenRoot;
    }

    struct TokenTreeMerkleLeaf {
        IERC20 token;
        uint256 cumulativeEarnings;
    }

    struct RewardsMerkleClaim {
        uint32 rootIndex;
        uint32 earnerIndex;
        bytes earnerTreeProof;
        EarnerTreeMerkleLeaf earnerLeaf;
        uint32[] tokenIndices;
        bytes[] tokenTreeProofs;
        TokenTreeMerkleLeaf[] tokenLeaves;
    }

    event ClaimerForSet(address indexed earner, address indexed oldClaimer, address indexed claimer);
    event DistributionRootSubmitted(
        uint32 indexed rootIndex,
        bytes32 indexed root,
        uint32 indexed rewardsCalculationEndTimestamp,
        uint32 activatedAt
    );
    event DistributionRootDisabled(uint32 indexed rootIndex);
    event RewardsClaimed(
        bytes32 root,
        address indexed earner,
        address indexed claimer,
        address indexed recipient,
        IERC20 token,
        uint256 claimedAmount
    );

    error UnauthorizedCaller();
    error InputArrayLengthMismatch();
    error InvalidRootIndex();
    error InvalidClaimProof();
    error InvalidTokenLeafIndex();
    error InvalidEarnerLeafIndex();
    error EarningsNotGreaterThanClaimed();
    error RootDisabled();
    error RootNotActivated();
    error RootAlreadyActivated();
    error NewRootMustBeForNewCalculatedPeriod();
    error RewardsEndTimestampNotElapsed();

    uint8 internal constant EARNER_LEAF_SALT = 0;
    uint8 internal constant TOKEN_LEAF_SALT = 1;
    uint32 public activationDelay;
    uint32 public currRewardsCalculationEndTimestamp;
    DistributionRoot[] private _roots;
    mapping(address => address) public claimerFor;
    mapping(address => mapping(IERC20 => uint256)) public cumulativeClaimed;

    function setActivationDelay(uint32 seconds_) external {
        activationDelay = seconds_;
    }

    function submitRoot(bytes32 root, uint32 rewardsCalculationEndTimestamp) external {
        if (rewardsCalculationEndTimestamp <= currRewardsCalculationEndTimestamp) {
            revert NewRootMustBeForNewCalculatedPeriod();
        }
        if (rewardsCalculationEndTimestamp >= block.timestamp) revert RewardsEndTimestampNotElapsed();
        uint32 activatedAt = uint32(block.timestamp) + activationDelay;
        emit DistributionRootSubmitted(uint32(_roots.length), root, rewardsCalculationEndTimestamp, activatedAt);
        _roots.push(DistributionRoot(root, rewardsCalculationEndTimestamp, activatedAt, false));
        currRewardsCalculationEndTimestamp = rewardsCalculationEndTimestamp;
    }

    function disableRoot(uint32 rootIndex) external {
        if (rootIndex >= _roots.length) revert InvalidRootIndex();
        DistributionRoot storage root = _roots[rootIndex];
        if (root.disabled) revert RootDisabled();
        if (block.timestamp >= root.activatedAt) revert RootAlreadyActivated();
        root.disabled = true;
        emit DistributionRootDisabled(rootIndex);
    }

    function setClaimerFor(address claimer) external {
        emit ClaimerForSet(msg.sender, claimerFor[msg.sender], claimer);
        claimerFor[msg.sender] = claimer;
    }

    function processClaim(RewardsMerkleClaim calldata claim, address recipient) external {
        DistributionRoot memory root = _rootAt(claim.rootIndex);
        _checkClaim(claim, root);
        address earner = claim.earnerLeaf.earner;
        address claimer = claimerFor[earner];
        if (claimer == address(0)) claimer = earner;
        if (msg.sender != claimer) revert UnauthorizedCaller();
        for (uint256 i = 0; i < claim.tokenIndices.length; ++i) {
            TokenTreeMerkleLeaf calldata leaf = claim.tokenLeaves[i];
            uint256 before = cumulativeClaimed[earner][leaf.token];
            if (leaf.cumulativeEarnings <= before) revert EarningsNotGreaterThanClaimed();
            cumulativeClaimed[earner][leaf.token] = leaf.cumulativeEarnings;
            leaf.token.safeTransfer(recipient, leaf.cumulativeEarnings - before);
            emit RewardsClaimed(root.root, earner, claimer, recipient, leaf.token, leaf.cumulativeEarnings - before);
        }
    }

    function checkClaim(RewardsMerkleClaim calldata claim) external view returns (bool) {
        _checkClaim(claim, _rootAt(claim.rootIndex));
        return true;
    }

    function getDistributionRootsLength() external view returns (uint256) {
        return _roots.length;
    }

    function getDistributionRootAtIndex(uint256 index) external view returns (DistributionRoot memory) {
        return _roots[index];
    }

    function getCurrentDistributionRoot() external view returns (DistributionRoot memory) {
        return _roots[_roots.length - 1];
    }

    function calculateEarnerLeafHash(EarnerTreeMerkleLeaf calldata leaf) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(EARNER_LEAF_SALT, leaf.earner, leaf.earnerTokenRoot));
    }

    function calculateTokenLeafHash(TokenTreeMerkleLeaf calldata leaf) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(TOKEN_LEAF_SALT, leaf.token, leaf.cumulativeEarnings));
    }

    function _rootAt(uint32 index) private view returns (DistributionRoot memory) {
        if (index >= _roots.length) revert InvalidRootIndex();
        return _roots[index];
    }

    function _checkClaim(RewardsMerkleClaim calldata claim, DistributionRoot memory root) private view {
        if (root.disabled) revert RootDisabled();
        if (block.timestamp < root.activatedAt) revert RootNotActivated();
        if (
            claim.tokenIndices.length != claim.tokenTreeProofs.length
                || claim.tokenTreeProofs.length != claim.tokenLeaves.length
        ) revert InputArrayLengthMismatch();
        if (claim.earnerIndex >= 1 << (claim.earnerTreeProof.length / 32)) revert InvalidEarnerLeafIndex();
        _verify(claim.earnerTreeProof, root.root, claim.earnerIndex, calculateEarnerLeafHash(claim.earnerLeaf));
        for (uint256 i = 0; i < claim.tokenIndices.length; ++i) {
            bytes calldata proof = claim.tokenTreeProofs[i];
            if (claim.tokenIndices[i] >= 1 << (proof.length / 32)) revert InvalidTokenLeafIndex();
            bytes32 leaf = calculateTokenLeafHash(claim.tokenLeaves[i]);
            _verify(proof, claim.earnerLeaf.earnerTokenRoot, claim.tokenIndices[i], leaf);
        }
    }

    /// Rebuilds the root from the leaf's place: an even index stands to the left of its sibling.
    function _verify(bytes calldata proof, bytes32 root, uint256 index, bytes32 node) private pure {
        if (proof.length % 32 != 0) revert InvalidClaimProof();
        for (uint256 i = 0; i < proof.length; i += 32) {
            bytes32 sibling = bytes32(proof[i:i + 32]);
            node = index % 2 == 0 ? keccak256(abi.encode(node, sibling)) : keccak256(abi.encode(sibling, node));
            index /= 2;
        }
        if (node != root) revert InvalidClaimProof();
    }
}
